import type { IMap } from 'hazelcast-client'
import type { Wire } from './wire.ts'

/** Of so many keys it is remembered where they belong (I6). */
const KEYS = 16_384

/** One blind put on its way to its owner. */
export interface BatchedSet {
  readonly key: string
  /** What is to be stored, behind `WIRE_HEAD` bytes. */
  readonly packed: Buffer
  /** Its key as the wire has it: set when it gets its place here. */
  wired: unknown
  /** The owner has it. */
  readonly made: () => void
  readonly failed: (error: unknown) => void
}

/** Puts of one partition. */
interface Lane {
  /** Messages under way. */
  underWay: number
  /** Is it among those to be looked at when this turn ends? */
  due: boolean
  waiting: BatchedSet[]
}

/** What is remembered of a key. */
interface Place {
  readonly lane: Lane
  readonly wired: unknown
}

export interface BatchesOptions {
  /** Of a key as the wire has it. */
  readonly partitionOf: (wired: unknown) => number
  /** Of the present connection. */
  readonly wire: () => Wire
  /** Runs it when this turn of the event loop is over, and all that was called in it. */
  readonly defer: (run: () => void) => void
  /** Bytes of one message, about: the client gathers messages below its own threshold of 64 KiB. */
  readonly maxBytes?: number
  /** Messages of one partition under way at a time: the second is there when its owner is done with the first. */
  readonly depth?: number
}

/**
 * Blind puts, few messages at a time for each partition: what is put in one turn, or while these are under way, goes together in
 * the next. So an idle cluster is told at once, and a busy one is told much in few messages. The puts of a key keep their order: a partition's
 * owner does one thing after the other, and so does the list of each message.
 */
export class Batches {
  readonly #options: Required<BatchesOptions>
  readonly #lanes = new Map<number, Lane>()
  /** Of keys: packing one, and finding its partition, is not cheap. */
  readonly #places = new Map<string, Place>()
  #due: Lane[] = []
  #imap: IMap<string, Buffer> | undefined
  #wire: Wire | undefined
  #waiting = 0

  constructor(options: BatchesOptions) {
    this.#options = { maxBytes: 48 * 1024, depth: 2, ...options }
  }

  /** `imap`: of the present connection. */
  set(imap: IMap<string, Buffer>, set: BatchedSet): void {
    if (imap !== this.#imap) this.#connect(imap)
    const { lane, wired } = this.#placeOf(set.key)
    set.wired = wired
    lane.waiting.push(set)
    this.#waiting++
    if (lane.underWay < this.#options.depth) this.#soon(lane)
  }

  /** Sends what waits for the partition of this key: what is sent next comes after it. */
  flush(key: string): void {
    if (this.#waiting === 0) return
    const { lane } = this.#placeOf(key)
    while (lane.waiting.length > 0) this.#send(lane)
  }

  // Another cluster may have other partitions.
  #connect(imap: IMap<string, Buffer>): void {
    this.#imap = imap
    this.#wire = this.#options.wire()
    this.#places.clear()
  }

  #placeOf(key: string): Place {
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const wired = (this.#wire as Wire).key(key)
    const partition = this.#options.partitionOf(wired)
    const lane = this.#lanes.get(partition) ?? { underWay: 0, due: false, waiting: [] }
    this.#lanes.set(partition, lane)
    if (this.#places.size >= KEYS) this.#places.clear()
    const place = { lane, wired }
    this.#places.set(key, place)
    return place
  }

  #soon(lane: Lane): void {
    if (lane.due) return
    lane.due = true
    this.#due.push(lane)
    if (this.#due.length === 1) this.#options.defer(() => this.#sendDue())
  }

  #sendDue(): void {
    const due = this.#due
    this.#due = []
    for (const lane of due) {
      lane.due = false
      if (lane.underWay < this.#options.depth && lane.waiting.length > 0) this.#send(lane)
    }
  }

  #send(lane: Lane): void {
    const sets = this.#take(lane)
    this.#waiting -= sets.length
    lane.underWay++
    this.#write(sets).then(
      () => {
        this.#answered(lane)
        for (const set of sets) set.made()
      },
      (error: unknown) => {
        this.#answered(lane)
        for (const set of sets) set.failed(error)
      },
    )
  }

  async #write(sets: readonly BatchedSet[]): Promise<void> {
    const [imap, wire] = [this.#imap as IMap<unknown, unknown>, this.#wire as Wire]
    const [first] = sets as readonly [BatchedSet]
    if (sets.length === 1) return imap.set(first.wired, wire.value(first.packed), 0)
    // Not `setAll`: its events do not tell what was replaced, by which missed and inverted changes are known (I5).
    await imap.putAll(sets.map(({ wired, packed }) => [wired, wire.value(packed)]))
  }

  #take(lane: Lane): readonly BatchedSet[] {
    const { waiting } = lane
    let [count, bytes] = [0, 0]
    for (const { packed } of waiting) {
      bytes += packed.length
      if (count > 0 && bytes > this.#options.maxBytes) break
      count++
    }
    lane.waiting = waiting.slice(count)
    return count === waiting.length ? waiting : waiting.slice(0, count)
  }

  #answered(lane: Lane): void {
    lane.underWay--
    if (lane.waiting.length > 0) this.#soon(lane)
  }
}
