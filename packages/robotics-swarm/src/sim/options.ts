import { SwarmError } from '../errors.ts'

/** What a simulated cell looks like. Everything has a default; the values are checked once, here. */
export interface RunOptions {
  /** Robots along the belt. @default 4 */
  readonly robots?: number
  /** Arrival rate times mean pick time, in robots' worth of work (Erlang). @default 3 */
  readonly offeredLoad?: number
  /** Parts to send down the belt. @default 20_000 */
  readonly parts?: number
  /** Law of the time of one pick and place. @default 'deterministic' */
  readonly pickTime?: PickTimeLaw
  /** Mean time of one pick and place in milliseconds. @default 1000 */
  readonly pickMs?: number
  /** Seed of arrivals and pick times. @default 1 */
  readonly seed?: number
  /** Belt speed in metres per second. @default 0.2 (the NIST ARIAC belt) */
  readonly beltSpeed?: number
}

export type PickTimeLaw = 'deterministic' | 'exponential'

export type ResolvedRunOptions = Required<RunOptions>

const LAWS: readonly string[] = ['deterministic', 'exponential']

function number(name: string, value: number, low: number, high: number, whole: boolean): number {
  if (Number.isFinite(value) && value >= low && value <= high && (!whole || Number.isInteger(value))) return value
  throw new SwarmError('BAD_OPTION', `${name} is ${String(value)}: give a ${whole ? 'whole ' : ''}number from ${low} to ${high}`)
}

/** Applies the defaults and checks every value. @throws SwarmError BAD_OPTION naming the option, quoting the value. */
export function resolveRunOptions(options: RunOptions = {}): ResolvedRunOptions {
  const pickTime = options.pickTime ?? 'deterministic'
  if (!LAWS.includes(pickTime)) throw new SwarmError('BAD_OPTION', `pickTime is '${pickTime}': give ${LAWS.join(' or ')}`)
  return {
    robots: number('robots', options.robots ?? 4, 1, 1000, true),
    offeredLoad: number('offeredLoad', options.offeredLoad ?? 3, 0.001, 10_000, false),
    parts: number('parts', options.parts ?? 20_000, 100, 100_000_000, true),
    pickTime,
    pickMs: number('pickMs', options.pickMs ?? 1000, 1, 3_600_000, false),
    seed: number('seed', options.seed ?? 1, 0, 0xffff_ffff, true),
    beltSpeed: number('beltSpeed', options.beltSpeed ?? 0.2, 0.001, 10, false),
  }
}
