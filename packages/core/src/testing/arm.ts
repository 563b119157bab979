import type { Actuator } from '../durability/doer.ts'
import { SeenEffects } from '../mailbox/seen.ts'

/** What an agent of the simulation commands: its own count of its commands. */
export interface ArmCommand {
  readonly agent: string
  readonly n: number
}

/** The world outside: an arm that refuses repeats and zombies (I3), and a book of what it did. It outlives every process. */
export interface Arm {
  readonly actuator: Actuator
  /** Of each agent, the numbers of the commands it did, in order. */
  readonly done: ReadonlyMap<string, readonly number[]>
  /** Commands it passed over. */
  readonly refused: number
}

/** `credulous`: a defect, it does whatever it is told. */
export function createArm(moved: (command: ArmCommand) => void, credulous = false): Arm {
  const seen = new SeenEffects()
  const done = new Map<string, number[]>()
  let refused = 0
  return {
    done,
    get refused() {
      return refused
    },
    actuator(payload, { origin }) {
      if (origin !== undefined && seen.take(origin) !== 'new' && !credulous) {
        refused += 1
        return
      }
      const command = payload as ArmCommand
      const numbers = done.get(command.agent)
      if (numbers === undefined) done.set(command.agent, [command.n])
      else numbers.push(command.n)
      moved(command)
    },
  }
}
