import type { Clock } from '@stigmergy/grid'
import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { Restart, Strategy } from '../supervision/strategy.ts'
import { waitFor } from '../wait.ts'

/** What a supervisor has under it: an agent, or another supervisor. */
export interface Child {
  readonly id: string
  readonly restart: Restart
  /** Its first start has begun: what has not been started cannot be brought down. */
  readonly started: boolean
  readonly shutdownMs: number
  /** Starts it for the first time. Throws why it could not. */
  start(): Promise<void>
  /** Brings it down as it is, to be started again. */
  suspend(): void
  /** Starts it again. What fails meanwhile has been told to its supervisor. */
  resume(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
  /** It will not be restarted any more, whatever happens. */
  close(): void
  describe(): TreeNode
}

/** A supervisor or an agent as a tree shows it. */
export interface TreeNode {
  readonly id: string
  readonly kind: 'agent' | 'supervisor'
  readonly status: string
  readonly restarts: number
  readonly strategy?: Strategy
  readonly children?: readonly TreeNode[]
}

/** Stops it within its deadline. Throws `CoreError` CLOSE_TIMEOUT, or why it could not be stopped in order. */
export function stopWithin(child: Child, clock: Clock): Promise<void> {
  const { shutdownMs } = child
  const late = (): CoreError => new CoreError('CLOSE_TIMEOUT', `${quote(child.id)} did not stop within ${shutdownMs} ms`)
  return waitFor<void>(clock, { timeoutMs: shutdownMs }, shutdownMs, late, ({ resolve, reject }) => {
    child.stop().then(resolve, reject)
    return () => undefined
  })
}
