import { optionsOf, textOption, type Names } from '../check.ts'
import { isSendable, type AgentEvent } from './envelope.ts'
import type { DeadLetter, DeadLetterReason } from '../hooks.ts'

/** Which dead letters: those that match all that is given. Nothing given: all. */
export interface LetterFilter {
  readonly seq?: number
  readonly agentId?: string
  readonly reason?: DeadLetterReason
  /** Type of the event. */
  readonly type?: string
}

const FILTER: Names<LetterFilter> = { seq: true, agentId: true, reason: true, type: true }

/** Events that reached nobody. Those that an agent crashed on are kept apart from the rest, so that no flood of others drives them out. */
export interface DeadLetters {
  /** The newest ones, oldest first. */
  readonly recent: readonly DeadLetter[]
  /** The newest of those that an agent crashed on: poison. */
  readonly quarantined: readonly DeadLetter[]
  /** How many there were in all. */
  readonly count: number
  /** How many had to make room for newer ones (I6). */
  readonly dropped: number
  /** The kept ones that match, oldest first. Throws `CoreError` BAD_OPTION, as all of these. */
  list(filter?: LetterFilter): readonly DeadLetter[]
  /**
   * Takes the matching ones out and sends each again, oldest first, to its agent or to `to`. One that is refused becomes a new dead
   * letter; what no agent can be sent (`bad-event`, a promise that was interrupted, an effect that threw) stays. Returns how many
   * were accepted.
   */
  replay(filter?: LetterFilter, options?: { readonly to?: string }): number
  /** Forgets the matching ones. Returns how many. */
  purge(filter?: LetterFilter): number
}

export interface DeadLetterBox extends DeadLetters {
  add(letter: Omit<DeadLetter, 'seq'>): DeadLetter
  /** True if an event of that id is kept because the agent crashed on it. */
  isQuarantined(agentId: string, id: string): boolean
}

/** `capacity`: how many that were crashed on are kept, and how many others. */
export function createDeadLetters(capacity: number, resend: (letter: DeadLetter, to: string) => boolean): DeadLetterBox {
  // By number, oldest first: a map is a queue whose middle can be taken out.
  const crashed = new Map<number, DeadLetter>()
  const others = new Map<number, DeadLetter>()
  const poison = new Set<string>()
  let count = 0
  let dropped = 0

  function all(): DeadLetter[] {
    return [...crashed.values(), ...others.values()].sort((a, b) => a.seq - b.seq)
  }

  function remove(letter: DeadLetter): void {
    others.delete(letter.seq)
    if (crashed.delete(letter.seq) && letter.id !== undefined) poison.delete(poisonKey(letter.agentId, letter.id))
  }

  function list(filter: LetterFilter | undefined): DeadLetter[] {
    // A misspelt filter would match, and purge, everything.
    const matches = matcher(optionsOf('filter of dead letters', filter, FILTER))
    return all().filter(matches)
  }

  return {
    get recent() {
      return all()
    },
    get quarantined() {
      return [...crashed.values()]
    },
    get count() {
      return count
    },
    get dropped() {
      return dropped
    },
    list,
    replay(filter, options) {
      const to = textOption('to', optionsOf<{ readonly to?: string }>('replay', options, { to: true }).to, undefined)
      const letters = list(filter).filter(({ event }) => isSendable(event) && !tells(event))
      // Out before in: what is refused comes back under a new number.
      for (const letter of letters) remove(letter)
      return letters.filter((letter) => resend(letter, to ?? letter.agentId)).length
    },
    purge(filter) {
      const letters = list(filter)
      for (const letter of letters) remove(letter)
      return letters.length
    },
    add(given) {
      count += 1
      const letter = { seq: count, ...given }
      const kept = letter.reason === 'crashed' ? crashed : others
      kept.set(letter.seq, letter)
      if (letter.reason === 'crashed' && letter.id !== undefined) poison.add(poisonKey(letter.agentId, letter.id))
      if (kept.size > capacity) {
        for (const oldest of kept.values()) {
          remove(oldest)
          break
        }
        dropped += 1
      }
      return letter
    },
    isQuarantined: (agentId, id) => poison.has(poisonKey(agentId, id)),
  }
}

/** An event of the system about the agent itself: nobody has sent it, and nobody takes it. */
function tells({ type }: AgentEvent): boolean {
  return type === 'agent.effect'
}

const poisonKey = (agentId: string, id: string): string => JSON.stringify([agentId, id])

function matcher(filter: LetterFilter): (letter: DeadLetter) => boolean {
  const { seq, agentId, reason, type } = filter
  return (letter) =>
    (seq === undefined || letter.seq === seq) &&
    (agentId === undefined || letter.agentId === agentId) &&
    (reason === undefined || letter.reason === reason) &&
    (type === undefined || letter.event.type === type)
}
