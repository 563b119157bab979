import { Extras } from './extras.ts'
import { F64, HEADER, HEADER_BYTES, MAGIC, RECORD_BYTES, RECORD_U32 } from './layout.ts'
import type { Extra } from './parts.ts'

export interface RingOptions {
  /** Records younger than this are overwritten only when the ring cannot grow any more. */
  readonly historyMs: number
  /** Size at the start and at most, in records, as powers of two. */
  readonly minLog2: number
  readonly maxLog2: number
}

/** Records whose room is made at once: a look at the oldest record waits for memory, so it is not done for each. */
const BLOCK = 64

/**
 * A ring of fixed records in shared memory. It is sized by seconds: when it is full and its oldest record is younger than the history
 * wanted, it doubles, up to its bound (I6). Memory that was never written costs nothing, as the system gives it page by page.
 * One writer; readers check `head` after they read a record, and drop what may have been overwritten meanwhile.
 */
export class Ring {
  readonly buffer: SharedArrayBuffer
  readonly f64: Float64Array
  readonly u32: Uint32Array
  /** Number of the next record: how many were ever written. */
  head = 0
  capacity: number
  /** Records overwritten while younger than the history wanted. */
  lostEarly = 0
  readonly #header: Int32Array
  readonly #historyMs: number
  readonly #maxCapacity: number
  /** What did not fit into a record: on the heap, at most as many bytes as the records take, and dropped with the record. */
  readonly #extras: Extras
  readonly #block: number
  #mask: number
  /** Oldest record when the ring last grew. */
  #floor = 0
  /** The record before which the next block must be freed. */
  #until: number

  constructor({ historyMs, minLog2, maxLog2 }: RingOptions) {
    this.buffer = new SharedArrayBuffer(HEADER_BYTES + 2 ** maxLog2 * RECORD_BYTES)
    this.#header = new Int32Array(this.buffer, 0, HEADER_BYTES / 4)
    this.f64 = new Float64Array(this.buffer, HEADER_BYTES)
    this.u32 = new Uint32Array(this.buffer, HEADER_BYTES)
    this.#historyMs = historyMs
    this.#maxCapacity = 2 ** maxLog2
    this.#extras = new Extras(2 ** maxLog2 * RECORD_BYTES)
    this.capacity = 2 ** minLog2
    this.#block = Math.min(BLOCK, this.capacity / 2)
    this.#until = this.capacity
    this.#mask = this.capacity - 1
    this.#header[HEADER.magic] = MAGIC
    this.#header[HEADER.capacityLog2] = minLog2
  }

  /** Number of the oldest record that is still there. */
  get tail(): number {
    return Math.max(this.#floor, this.#until - this.capacity)
  }

  /** Records overwritten so far. */
  get overwritten(): number {
    return this.tail
  }

  /** Offset of the slot for the next record in `u32`; half of it in `f64`. Write all fields, then {@link Ring.commit}. */
  claim(nowMs: number): number {
    const { head } = this
    if (head === this.#until) this.#free(nowMs)
    return (head & this.#mask) * RECORD_U32
  }

  /** The record is written: readers may see it. Returns its number. */
  commit(): number {
    const seq = this.head
    this.head = seq + 1
    Atomics.store(this.#header, HEADER.head, this.head | 0)
    return seq
  }

  /**
   * The oldest record that will still be there when a quarter of the ring more was written, as far as can be known: where the oldest are
   * young enough, and it may grow, it does so instead.
   */
  safeFrom(nowMs: number): number {
    const { capacity, tail } = this
    const growsNext = capacity < this.#maxCapacity && this.#until % (2 * capacity) === capacity
    if (growsNext && this.#isYoung(this.#until - capacity, nowMs, this.#historyMs / 2)) return tail
    return Math.max(tail, this.head + capacity / 4 + this.#block - capacity)
  }

  /** Offset of a record in `u32`, or -1 if it is not there any more. */
  find(seq: number): number {
    return seq >= this.tail && seq < this.head ? (seq & this.#mask) * RECORD_U32 : -1
  }

  /** Undefined where there is none, or where it had to go before its record. */
  extra(seq: number): Extra | undefined {
    return this.#extras.get(seq)
  }

  setExtra(seq: number, extra: Extra | undefined): void {
    if (extra === undefined) this.#extras.delete(seq)
    else this.#extras.set(seq, extra)
  }

  /** Makes room for the next block of records: by growth, or where the oldest ones are. Their memory is not in the processor's cache. */
  #free(nowMs: number): void {
    const oldest = this.#until - this.capacity
    const last = oldest + this.#block - 1
    if (this.#isYoung(last, nowMs)) {
      // At an odd multiple of the capacity all records stand where the doubled ring looks for them.
      if (this.capacity < this.#maxCapacity && this.#until % (2 * this.capacity) === this.capacity) {
        this.#floor = oldest
        this.#until += this.capacity
        this.capacity *= 2
        this.#mask = this.capacity - 1
        Atomics.store(this.#header, HEADER.capacityLog2, Math.log2(this.capacity))
        return
      }
      // Each look waits for memory. Records end in their order, but for a few, which may be counted wrongly: all between two young ones are.
      if (this.#isYoung(oldest, nowMs)) this.lostEarly += last + 1 - oldest
      else for (let seq = oldest; seq <= last; seq++) if (this.#isYoung(seq, nowMs)) this.lostEarly += 1
    }
    this.#until += this.#block
    this.#extras.deleteUntil(last)
  }

  #isYoung(seq: number, nowMs: number, ageMs: number = this.#historyMs): boolean {
    return nowMs - (this.f64[((seq & this.#mask) * RECORD_U32) / 2 + F64.endedAtMs] as number) < ageMs
  }
}
