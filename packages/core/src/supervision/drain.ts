import type { Clock } from '@stigmergy/grid'
import { numberOption, optionsOf, signalOption } from '../check.ts'
import { CoreError } from '../errors.ts'
import { promisesUnder } from '../cell/invokes.ts'
import type { Life } from '../life/life.ts'
import { waitFor } from '../wait.ts'

export interface DrainOptions {
  /** How long the agents may take to finish what waits, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined
  /** How long the store may take afterwards to write the last states. @default 5000 */
  readonly closeTimeoutMs?: number | undefined
  /** Ends the wait for the agents: what is not finished is cut. */
  readonly signal?: AbortSignal | undefined
}

/** An agent that had not finished. */
export interface CutAgent {
  readonly id: string
  readonly status: string
  /** Events that waited; they are dead letters. */
  readonly waiting: number
  /** Promises that were under way. */
  readonly promises: readonly string[]
  /** A command or write of it was under way: it may be done or not. */
  readonly effects: boolean
}

export interface DrainReport {
  /** Agents that had finished, in the order in which they were stopped. */
  readonly finished: readonly string[]
  readonly cut: readonly CutAgent[]
  /** Why the last states could not all be written; undefined: they are. */
  readonly error: unknown
  readonly tookMs: number
}

export interface DrainServices {
  readonly clock: Clock
  readonly lives: ReadonlyMap<string, Life>
  /** True if something is being done that an agent wanted, and that is not its own to wait for. */
  busy(): boolean
  /** True if it is a command or write of this agent. */
  busyFor(agentId: string): boolean
  close(timeoutMs: number): Promise<void>
}

const DRAIN_MS = 10_000
const CLOSE_MS = 5000
/** Pauses between two looks: doubled from the first up to the last. */
const LOOK_MIN_MS = 1
const LOOK_MAX_MS = 32

interface ResolvedDrainOptions {
  readonly timeoutMs: number
  readonly closeTimeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveDrainOptions(options: DrainOptions): ResolvedDrainOptions {
  optionsOf<DrainOptions>('drain', options, { timeoutMs: true, closeTimeoutMs: true, signal: true })
  signalOption(options.signal)
  return {
    timeoutMs: numberOption('timeoutMs', options.timeoutMs, DRAIN_MS, 0, Infinity),
    closeTimeoutMs: numberOption('closeTimeoutMs', options.closeTimeoutMs, CLOSE_MS, 0, Infinity),
    signal: options.signal,
  }
}

/** Waits until nothing waits and no promise is under way, then closes. What is not finished by the deadline is cut, and told. */
export async function drain({ clock, lives, busy, busyFor, close }: DrainServices, options: ResolvedDrainOptions): Promise<DrainReport> {
  const { timeoutMs, closeTimeoutMs, signal } = options
  const startedAtMs = clock.now()
  const late = (): CoreError => new CoreError('CLOSE_TIMEOUT', 'not all agents have finished')
  // The deadline and the signal are no errors here: they say when to cut.
  await waitFor<void>(clock, { timeoutMs, signal }, timeoutMs, late, ({ resolve }) => {
    let pauseMs = LOOK_MIN_MS
    let look = clock.setTimeout(() => again(), 0)
    const again = (): void => {
      if (!busy() && [...lives.values()].every(rests)) {
        resolve(undefined)
        return
      }
      look = clock.setTimeout(again, pauseMs)
      pauseMs = Math.min(LOOK_MAX_MS, pauseMs * 2)
    }
    return () => clock.clearTimeout(look)
  }).catch(() => undefined)
  const all = [...lives.values()].reverse()
  const acts = (life: Life): boolean => busyFor(life.info.id) || life.keeping?.lastWords.busy === true
  const isDone = (life: Life): boolean => rests(life) && !acts(life)
  const cut = all.filter((life) => !isDone(life)).map((life) => describe(life, acts(life)))
  const finished = all.filter(isDone).map((life) => life.info.id)
  let error: unknown
  await close(closeTimeoutMs).catch((cause: unknown) => {
    error = cause
  })
  return { finished, cut, error, tookMs: clock.now() - startedAtMs }
}

/** Nothing waits for it, and it waits for nothing. One that is starting, or is to be restarted, does not rest. */
function rests(life: Life): boolean {
  if (life.status !== 'running' || life.waiting > 0) return false
  if (life.asleep) return true
  return life.awake && promisesUnder(life.snapshot).length === 0 && life.keeping?.lastWords.busy !== true
}

function describe(life: Life, effects: boolean): CutAgent {
  const promises = life.awake ? promisesUnder(life.snapshot) : []
  return { id: life.info.id, status: life.status, waiting: life.waiting, promises, effects }
}
