import { AppliedNumbers } from './applied-numbers.ts'

/** What one beat claims for one map. */
export interface Claim {
  /** The sender had given these numbers to writes when it sent the beat. */
  readonly n: number
  /** Local time at which this process sent the beat that the sender had heard by then; undefined: it had heard none. */
  readonly echoOfMs: number | undefined
  readonly heardAtMs: number
}

export interface Gap {
  readonly session: string
  readonly numbers: readonly number[]
  /** There are more of them. */
  readonly many: boolean
}

interface Writer {
  readonly applied: AppliedNumbers
  /** Claims not proved yet, oldest first. */
  claims: Claim[]
  completeAtMs: number
  /** Numbers of the gap that is being repaired, and since when. */
  askedAtMs: number
}

/**
 * The age of one map (I4), by causality: a beat of another process says which numbers it had given to writes, and that it had
 * heard a beat of ours before. Once all these numbers are applied here, nothing that was committed before we sent that beat is
 * missing, so the copy is complete as of then, on our own clock alone. A map is as old as its oldest writer, or as its last load.
 */
export class Completeness {
  readonly #writers = new Map<string, Writer>()
  readonly #gapMs: number
  readonly #limit: number
  #loadedAtMs = -Infinity
  /** Set while nothing is listened to. */
  #lostAtMs: number | undefined

  /** `gapMs`: a number still missing so long after the beat that claimed it is a gap. */
  constructor(gapMs = 30, limit = 1024) {
    this.#gapMs = gapMs
    this.#limit = limit
  }

  /** Local time as of which the copy is complete; -Infinity before the first load. */
  get completeAtMs(): number {
    if (this.#loadedAtMs === -Infinity) return -Infinity
    if (this.#lostAtMs !== undefined) return this.#lostAtMs
    let oldestMs = Infinity
    for (const { completeAtMs } of this.#writers.values()) if (completeAtMs < oldestMs) oldestMs = completeAtMs
    return this.#writers.size === 0 ? this.#loadedAtMs : Math.max(oldestMs, this.#loadedAtMs)
  }

  get isLoaded(): boolean {
    return this.#loadedAtMs > -Infinity
  }

  claim(session: string, claim: Claim): void {
    const writer = this.#writer(session)
    writer.claims.push(claim)
    // The oldest tells of a gap, the newest of the state when it is over: what is between can go (I6).
    if (writer.claims.length > this.#limit) writer.claims.splice(1, this.#limit / 2)
    this.#prove(writer)
  }

  applied(session: string, number: number): void {
    const writer = this.#writer(session)
    writer.applied.add(number)
    if (writer.claims.length > 0) this.#prove(writer)
  }

  isApplied(session: string, number: number): boolean {
    return this.#writers.get(session)?.applied.has(number) ?? false
  }

  /** These numbers are in what was loaded: all were given to writes that had ended before the load began. */
  covered(session: string, number: number): void {
    const writer = this.#writer(session)
    writer.applied.cover(number)
    this.#prove(writer)
  }

  /** The whole map was read, beginning at this local time. */
  loaded(startedAtMs: number): void {
    this.#lostAtMs = undefined
    if (startedAtMs > this.#loadedAtMs) this.#loadedAtMs = startedAtMs
  }

  /**
   * The listener is gone. Until the map is read again numbers prove nothing: a cluster that lost its data, or somebody who is no
   * grid, gives none.
   */
  lost(): void {
    this.#lostAtMs ??= this.completeAtMs
  }

  /** The writer writes no more, and all it wrote is here. */
  retire(session: string): void {
    this.#writers.delete(session)
  }

  has(session: string): boolean {
    return this.#writers.has(session)
  }

  /** All that was claimed of that writer is here. */
  isProved(session: string): boolean {
    return (this.#writers.get(session)?.claims.length ?? 0) === 0
  }

  /** All its numbers up to this one are here. */
  lowOf(session: string): number {
    return this.#writers.get(session)?.applied.low ?? 0
  }

  /** Numbers missing for too long. Each writer's are told again only after `againMs`. */
  gaps(nowMs: number, againMs: number): Gap[] {
    const gaps: Gap[] = []
    for (const [session, writer] of this.#writers) {
      const [oldest] = writer.claims
      if (oldest === undefined || nowMs - oldest.heardAtMs < this.#gapMs || nowMs - writer.askedAtMs < againMs) continue
      // All that are overdue, so that one repair is enough.
      const due = writer.claims.findLast(({ heardAtMs }) => nowMs - heardAtMs >= this.#gapMs) ?? oldest
      const numbers = writer.applied.missing(due.n, this.#limit + 1)
      if (numbers.length === 0) continue
      writer.askedAtMs = nowMs
      gaps.push({ session, numbers: numbers.slice(0, this.#limit), many: numbers.length > this.#limit })
    }
    return gaps
  }

  #writer(session: string): Writer {
    const known = this.#writers.get(session)
    if (known !== undefined) return known
    const writer: Writer = { applied: new AppliedNumbers(), claims: [], completeAtMs: -Infinity, askedAtMs: -Infinity }
    this.#writers.set(session, writer)
    return writer
  }

  #prove(writer: Writer): void {
    let proved = 0
    for (const { n, echoOfMs } of writer.claims) {
      if (n > writer.applied.low) break
      if (echoOfMs !== undefined && echoOfMs > writer.completeAtMs) writer.completeAtMs = echoOfMs
      proved++
    }
    if (proved > 0) writer.claims.splice(0, proved)
  }
}
