import { createRandom, type RandomStream } from '../random.ts'
import { SwarmError } from '../errors.ts'
import { countExpected, type EventRow, type ExpectedSession, type PositionRow, type RecordingRows } from './rows.ts'
import { writeRecording } from './write-recording.ts'

export interface GenerateOptions {
  /** Any 32-bit integer: the same seed writes the same recording. @default 1 */
  readonly seed?: number
  /** @default 3 */
  readonly sessions?: number
  /** Positions per session. @default 400 */
  readonly rows?: number
  /** Mean interval between two positions. @default 250 */
  readonly intervalMs?: number
  /** Long intervals per session, of 300 to 6000 ms. @default 6 */
  readonly gaps?: number
  /** Discs that come in per session. @default 8 */
  readonly discs?: number
  /** Limits for which the expected gaps are counted. @default 300, 400, 500, 1000, 2000, 5000 */
  readonly gapsOverMs?: readonly number[]
}

type ResolvedGenerateOptions = Required<GenerateOptions>

const DEFAULTS: ResolvedGenerateOptions = {
  seed: 1,
  sessions: 3,
  rows: 400,
  intervalMs: 250,
  gaps: 6,
  discs: 8,
  gapsOverMs: [300, 400, 500, 1000, 2000, 5000],
}

/**
 * Writes a seeded recording into a new folder, in the format of the recorded cells: time stamps of two clocks a minute apart,
 * gaps, repeated gate states, tags that mean nothing to a cell. Returns what its replay must reproduce, by session.
 * Throws `SwarmError` BAD_OPTION.
 */
export async function generateRecording(dir: string, options: GenerateOptions = {}): Promise<Record<string, ExpectedSession>> {
  const resolved = resolveGenerateOptions(options)
  const rows = generateRows(resolved)
  await writeRecording(dir, rows)
  return countExpected(rows, resolved.gapsOverMs)
}

function resolveGenerateOptions(options: GenerateOptions): ResolvedGenerateOptions {
  const resolved = { ...DEFAULTS, ...options }
  for (const [name, least] of Object.entries({ sessions: 1, rows: 1, intervalMs: 20, gaps: 0, discs: 0 })) {
    const value = resolved[name as 'rows']
    if (!Number.isSafeInteger(value) || value < least)
      throw new SwarmError('BAD_OPTION', `${name} is ${value}; it takes a whole number from ${least}`)
  }
  if (!Number.isSafeInteger(resolved.seed)) throw new SwarmError('BAD_OPTION', `seed is ${resolved.seed}; it takes a whole number`)
  if (resolved.gaps >= resolved.rows)
    throw new SwarmError('BAD_OPTION', `gaps is ${resolved.gaps}; ${resolved.rows} rows leave room for fewer`)
  return resolved
}

function generateRows(options: ResolvedGenerateOptions): RecordingRows {
  const positions: PositionRow[] = []
  const events: EventRow[] = []
  for (let i = 0; i < options.sessions; i++) {
    const random = createRandom(options.seed, i)
    const session = `made-${options.seed}-${i + 1}`
    const startMs = 1_600_000_000_000 + i * 10_000_000
    positions.push(...generatePositions(session, startMs, options, random))
    // The clock of gate and camera runs a minute behind the robot's, as in the recorded cells.
    events.push(...generateEvents(session, startMs - 60_000, options, random))
  }
  return { positions, events }
}

const between = (random: RandomStream, from: number, to: number): number => from + Math.floor(random.uniform() * (to - from + 1))

function generatePositions(session: string, startMs: number, options: ResolvedGenerateOptions, random: RandomStream): PositionRow[] {
  const gaps = new Set<number>()
  while (gaps.size < options.gaps) gaps.add(between(random, 1, options.rows - 1))
  let tMs = startMs
  return Array.from({ length: options.rows }, (_, row) => {
    if (row > 0) tMs += gaps.has(row) ? between(random, 300, 6000) : between(random, options.intervalMs - 8, options.intervalMs + 8)
    const turn = row / 20
    const round = (metres: number): number => Math.round(metres * 1e5) / 1e5
    return { session, tMs, xM: round(0.3 * Math.cos(turn)), yM: round(0.3 * Math.sin(turn)), zM: round(0.3 + random.uniform() * 0.1) }
  })
}

function generateEvents(session: string, startMs: number, { discs }: ResolvedGenerateOptions, random: RandomStream): EventRow[] {
  const gate: EventRow[] = [{ session, tMs: startMs, source: 'Gate', tag: 'GateState', value: 'closed' }]
  const quality: EventRow[] = []
  const store: EventRow[] = []
  for (let disc = 0, tMs = startMs; disc < discs; disc++) {
    tMs += between(random, 4000, 9000)
    const at = (row: Pick<EventRow, 'source' | 'tag' | 'value'>, afterMs: number): EventRow => ({ session, tMs: tMs + afterMs, ...row })
    gate.push(at({ source: 'Gate', tag: 'Safe', value: 'false' }, -300), at({ source: 'Gate', tag: 'GateState', value: 'open' }, 0))
    if (random.uniform() < 0.3) gate.push(at({ source: 'Gate', tag: 'GateState', value: 'open' }, 300))
    gate.push(at({ source: 'Gate', tag: 'GateState', value: 'closed' }, 1500))
    if (random.uniform() < 0.9) {
      // Now and then exactly the limit, which is not below it.
      const distance = random.uniform() < 0.1 ? 1.5 : random.uniform() * 3
      quality.push(at({ source: 'Quality Control', tag: 'DistanceAbs', value: String(distance) }, 2000))
      quality.push(at({ source: 'Quality Control', tag: 'ResultCode', value: 'n/a' }, 2000))
    }
    store.push(at({ source: 'Store', tag: 'DiscSize', value: String(between(random, 0, 2)) }, 3000))
  }
  return [...gate, ...quality, ...store]
}
