import type { Beat } from './beat.ts'
import { ClockOffset } from './clock-offset.ts'

export interface Peer {
  readonly session: string
  readonly offset: ClockOffset
  /** Its newest beat; undefined: it is only known to have been there. */
  beat: Beat | undefined
  heardAtMs: number
}

/**
 * Who else writes: every opening of a grid on the cluster, this one included, known by its beats. One that says it has ended, or
 * was silent for too long, is forgotten; its clock is remembered for a while, because what it wrote lives on.
 */
export class Peers {
  readonly #peers = new Map<string, Peer>()
  readonly #offsets = new Map<string, ClockOffset>()
  readonly #silentMs: number
  readonly #rememberedOffsets: number

  constructor(silentMs: number, rememberedOffsets = 1024) {
    this.#silentMs = silentMs
    this.#rememberedOffsets = rememberedOffsets
  }

  get all(): Iterable<Peer> {
    return this.#peers.values()
  }

  get(session: string): Peer | undefined {
    return this.#peers.get(session)
  }

  /** An upper bound of the local time at which that session's clock showed `stampMs`; undefined if nothing is known of it. */
  latest(session: string, stampMs: number): number | undefined {
    return this.#offsets.get(session)?.latest(stampMs)
  }

  /** A lower bound of it. */
  earliest(session: string, stampMs: number): number | undefined {
    return this.#offsets.get(session)?.earliest(stampMs)
  }

  /** It was there: whether it still is has to be heard. */
  found(session: string, nowMs: number): void {
    if (!this.#peers.has(session)) this.#peers.set(session, { session, offset: this.#offset(session), beat: undefined, heardAtMs: nowMs })
  }

  /** `stampedAtMs`, `echoStampMs`: now, and when the beat it had heard was sent, on the clock that stamps. False for a beat that is no news. */
  heard(session: string, beat: Beat, nowMs: number, stampedAtMs: number, echoStampMs?: number): boolean {
    this.found(session, nowMs)
    const peer = this.#peers.get(session) as Peer
    if (peer.beat !== undefined && beat.id <= peer.beat.id) return false
    peer.beat = beat
    peer.heardAtMs = nowMs
    peer.offset.heard(beat.stampMs, stampedAtMs, echoStampMs)
    return true
  }

  forget(session: string): void {
    this.#peers.delete(session)
  }

  /** Sessions that have been silent for too long. */
  silent(nowMs: number): readonly string[] {
    return [...this.#peers.values()].filter(({ heardAtMs }) => nowMs - heardAtMs > this.#silentMs).map(({ session }) => session)
  }

  /** The newest beat of `session` that everybody else has heard. */
  heardByAll(session: string): number {
    let lowest = Infinity
    for (const peer of this.#peers.values()) {
      const saw = peer.beat?.saw.get(session) ?? 0
      if (saw < lowest) lowest = saw
    }
    return lowest
  }

  saw(): ReadonlyMap<string, number> {
    const saw = new Map<string, number>()
    for (const { session, beat } of this.#peers.values()) if (beat !== undefined) saw.set(session, beat.id)
    return saw
  }

  #offset(session: string): ClockOffset {
    const known = this.#offsets.get(session)
    if (known !== undefined) return known
    const offset = new ClockOffset()
    this.#offsets.set(session, offset)
    if (this.#offsets.size > this.#rememberedOffsets) {
      const oldest = [...this.#offsets.keys()].find((one) => !this.#peers.has(one))
      if (oldest !== undefined) this.#offsets.delete(oldest)
    }
    return offset
  }
}
