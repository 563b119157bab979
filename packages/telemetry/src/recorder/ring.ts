import { EXTRA, F64, HEADER, HEADER_BYTES, MAGIC, RECORD_BYTES, RECORD_U32, U32 } from './layout.ts'

export interface RingOptions {
  /** Records younger than this are overwritten only when the ring cannot grow any more. */
  readonly historyMs: number
  /** Size at the start and at most, in records, as powers of two. */
  readonly minLog2: number
  readonly maxLog2: number
}

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
  /** What did not fit into a record: on the heap, dropped with the record. */
  readonly #extras: (unknown | undefined)[] = []
  #mask: number
  /** Oldest record when the ring last grew. */
  #floor = 0

  constructor({ historyMs, minLog2, maxLog2 }: RingOptions) {
    this.buffer = new SharedArrayBuffer(HEADER_BYTES + 2 ** maxLog2 * RECORD_BYTES)
    this.#header = new Int32Array(this.buffer, 0, HEADER_BYTES / 4)
    this.f64 = new Float64Array(this.buffer, HEADER_BYTES)
    this.u32 = new Uint32Array(this.buffer, HEADER_BYTES)
    this.#historyMs = historyMs
    this.#maxCapacity = 2 ** maxLog2
    this.capacity = 2 ** minLog2
    this.#mask = this.capacity - 1
    this.#header[HEADER.magic] = MAGIC
    this.#header[HEADER.capacityLog2] = minLog2
  }

  /** Number of the oldest record that is still there. */
  get tail(): number {
    return Math.max(this.#floor, this.head - this.capacity)
  }

  /** Records overwritten so far. */
  get overwritten(): number {
    return this.tail
  }

  /** Offset of the slot for the next record in `u32`; half of it in `f64`. Write all fields, then {@link Ring.commit}. */
  claim(nowMs: number): number {
    const { head } = this
    if (head >= this.capacity) this.#evict(nowMs)
    return (head & this.#mask) * RECORD_U32
  }

  /** The record is written: readers may see it. Returns its number. */
  commit(): number {
    const seq = this.head
    this.head = seq + 1
    Atomics.store(this.#header, HEADER.head, this.head | 0)
    return seq
  }

  /** Offset of a record in `u32`, or -1 if it is not there any more. */
  find(seq: number): number {
    return seq >= this.tail && seq < this.head ? (seq & this.#mask) * RECORD_U32 : -1
  }

  extra(seq: number): unknown {
    return this.#extras[seq & this.#mask]
  }

  setExtra(seq: number, extra: unknown): void {
    this.#extras[seq & this.#mask] = extra
  }

  #evict(nowMs: number): void {
    let at = (this.head & this.#mask) * RECORD_U32
    if (nowMs - (this.f64[at / 2 + F64.endedAtMs] as number) < this.#historyMs) {
      // At an odd multiple of the capacity all records stand where the doubled ring looks for them.
      if (this.capacity < this.#maxCapacity && this.head % (2 * this.capacity) === this.capacity) {
        this.#floor = this.head - this.capacity
        this.capacity *= 2
        this.#mask = this.capacity - 1
        Atomics.store(this.#header, HEADER.capacityLog2, Math.log2(this.capacity))
        return
      }
      this.lostEarly += 1
    }
    at += U32.kind
    if (((this.u32[at] as number) & EXTRA) !== 0) this.#extras[this.head & this.#mask] = undefined
  }
}
