import type { IMap } from 'hazelcast-client'

/** Of so many keys it is remembered where they belong (I6). */
const KEYS = 16_384

/** One blind put on its way to its owner. */
export interface BatchedSet {
  readonly key: string
  readonly stored: Buffer
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

export interface BatchesOptions {
  readonly partitionOf: (key: string) => number
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
  /** Lanes of keys: finding a partition packs the key. */
  readonly #laneOfKey = new Map<string, Lane>()
  #due: Lane[] = []
  #imap: IMap<string, Buffer> | undefined
  #waiting = 0

  constructor(options: BatchesOptions) {
    this.#options = { maxBytes: 48 * 1024, depth: 2, ...options }
  }

  /** `imap`: of the present connection. */
  set(imap: IMap<string, Buffer>, set: BatchedSet): void {
    // Another cluster may have other partitions.
    if (imap !== this.#imap) this.#laneOfKey.clear()
    this.#imap = imap
    const lane = this.#laneOf(set.key)
    lane.waiting.push(set)
    this.#waiting++
    if (lane.underWay < this.#options.depth) this.#soon(lane)
  }

  /** Sends what waits for the partition of this key: what is sent next comes after it. */
  flush(key: string): void {
    if (this.#waiting === 0) return
    const lane = this.#laneOf(key)
    while (lane.waiting.length > 0) this.#send(lane)
  }

  #laneOf(key: string): Lane {
    const known = this.#laneOfKey.get(key)
    if (known !== undefined) return known
    const partition = this.#options.partitionOf(key)
    const lane = this.#lanes.get(partition) ?? { underWay: 0, due: false, waiting: [] }
    this.#lanes.set(partition, lane)
    if (this.#laneOfKey.size >= KEYS) this.#laneOfKey.clear()
    this.#laneOfKey.set(key, lane)
    return lane
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
    const imap = this.#imap as IMap<string, Buffer>
    const [first] = sets as readonly [BatchedSet]
    if (sets.length === 1) await imap.set(first.key, first.stored, 0)
    // Not `setAll`: its events do not tell what was replaced, by which missed and inverted changes are known (I5).
    else await imap.putAll(sets.map(({ key, stored }) => [key, stored]))
  }

  #take(lane: Lane): readonly BatchedSet[] {
    const { waiting } = lane
    let [count, bytes] = [0, 0]
    for (const { stored } of waiting) {
      bytes += stored.length
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
