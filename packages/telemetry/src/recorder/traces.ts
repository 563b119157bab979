import { parseWord } from './hex.ts'
import type { Ids } from './ids.ts'

/** Never to be kept: whoever began the trace did not sample it. */
export const NEVER = 255

/** It lacks spans: that was counted; or it is to be counted once it is exported. */
export const LACKS = { counted: 1, unsaid: 2 } as const

/** Float64 fields of a row: number of the last record plus one and of the last one exported plus one (0: none), number of the trace plus one. */
export const TRACE_F64 = { last: 4, emitted: 5, number: 6 } as const

/**
 * Uint32 fields of a row: the id, how many spans were told, why it is kept (0: not), whether it waits for export, whether it lacks spans:
 * see {@link LACKS}; how many spans were written and not looked at by the export yet.
 */
export const TRACE_U32 = { words: 0, spans: 4, keep: 5, dirty: 6, broken: 7, pending: 14 } as const

/** A trace that has its row: where the first record of one without would be. */
const HAS_ROW = -1

/**
 * What is known of the newest traces: where the last record of each is, and whether it is kept. Numbers in an array, so that a trace costs
 * no object. Bounded (I6): the newest `capacity` traces; an older one that comes back begins a new row. It doubles, up to its bound, where
 * a row would be taken from a trace whose records are still there. Most traces that begin here have one record and are never asked for:
 * of these only that record is noted, an eighth of a row. They get their rows when somebody asks for them, or with their second record.
 */
export class TraceTable {
  capacity: number
  /** Rows of 64 bytes, a line of the processor's cache each: see {@link TRACE_F64} and {@link TRACE_U32}. */
  f64: Float64Array
  u32: Uint32Array
  /** Spans of kept traces whose row was taken by a newer trace before they were exported. */
  lost = 0
  #names: (string | undefined)[] = []
  readonly #foreign = new Map<string, number>()
  /** How many they are, beside what is read for every new trace anyway. */
  #foreigners = 0
  /** Is told of each row of a trace that began here, once it is made. */
  whenMade: (number: number) => void = () => {}
  readonly #ids: Ids
  #next = 0
  /** Of the newest traces, each in the place of its row: {@link HAS_ROW}, or the number of its first record plus one (0: none so far). */
  #firsts: Float64Array
  readonly #maxCapacity: number
  readonly #isThere: (seq: number) => boolean

  /** `isThere`: whether the record of that number can still be read. @default `maxLog2` the capacity: it never grows */
  constructor(ids: Ids, capacityLog2: number, maxLog2: number = capacityLog2, isThere: (seq: number) => boolean = () => false) {
    this.#ids = ids
    this.#maxCapacity = 2 ** maxLog2
    this.#isThere = isThere
    this.capacity = 2 ** capacityLog2
    this.f64 = new Float64Array(this.capacity * 8)
    this.u32 = new Uint32Array(this.f64.buffer)
    this.#firsts = new Float64Array(this.capacity).fill(HAS_ROW)
  }

  /** So many traces that begin here. Returns the number of the first. */
  begin(count: number = 1): number {
    const first = this.#next
    const end = first + count
    for (let number = first; number < end; number++) {
      if (this.capacity < this.#maxCapacity) this.#makeRoom(number)
      this.#firsts[this.row(number)] = 0
    }
    this.#next = end
    return first
  }

  /** Grows where the row of a new trace is that of one whose record is still there. */
  #makeRoom(number: number): void {
    const old = this.#firsts[this.row(number)] as number
    if (old <= 0 || !this.#isThere(old - 1)) return
    this.#next = number
    this.#grow()
  }

  /** Notes the first record of a trace that has no row. False if it has one, or a record: then the row is to be used. */
  noteFirst(number: number, seq: number): boolean {
    const at = this.row(number)
    if (this.#firsts[at] !== 0 || number < this.#next - this.capacity) return false
    this.#firsts[at] = seq + 1
    return true
  }

  /** The row of a trace that began here, if it has none. */
  makeRow(number: number): void {
    const first = this.#firsts[this.row(number)] as number
    if (first === HAS_ROW || number < this.#next - this.capacity || number >= this.#next) return
    this.#clear(number)
    const row = this.row(number)
    this.#ids.writeTrace(number, this.u32, row * 16)
    this.f64[row * 8 + TRACE_F64.last] = first
    if (first !== 0) this.u32[row * 16 + TRACE_U32.pending] = 1
    this.whenMade(number)
  }

  /** Number of the trace with that id, new if it is not known; -1 if that is no id. */
  open(traceId: string): number {
    const known = this.find(traceId)
    if (known >= 0) return known
    const words = [0, 8, 16, 24].map((at) => parseWord(traceId, at))
    if (traceId.length !== 32 || words.some((word) => word < 0) || words.every((word) => word === 0)) return -1
    const number = this.begin()
    this.#clear(number)
    const row = this.row(number)
    this.u32.set(words, row * 16)
    this.#names[row] = traceId
    this.#foreign.set(traceId, number)
    this.#foreigners = this.#foreign.size
    return number
  }

  /** Number of the trace with that id, or -1 if it is not known (any more). */
  find(traceId: string): number {
    const own = this.#ids.ownTrace(traceId)
    if (own >= 0 && this.has(own) && this.#names[this.row(own)] === undefined) return own
    return this.#foreign.get(traceId) ?? -1
  }

  /** True while the row of that trace is its own, made now if it has none. */
  has(number: number): boolean {
    this.makeRow(number)
    return this.f64[this.row(number) * 8 + TRACE_F64.number] === number + 1
  }

  /** True if it is known and kept so far. */
  isKept(number: number): boolean {
    return this.keptFor(number) !== 0
  }

  /** The code of the reason why it is kept; 0 where it is not, so far, or not known. */
  keptFor(number: number): number {
    const row = this.row(number)
    // Without a row: it would have one if it were kept.
    if (this.#firsts[row] !== HAS_ROW && number >= this.#next - this.capacity) return 0
    if (this.f64[row * 8 + TRACE_F64.number] !== number + 1) return 0
    const keep = this.u32[row * 16 + TRACE_U32.keep] as number
    return keep === NEVER ? 0 : keep
  }

  row(number: number): number {
    return number & (this.capacity - 1)
  }

  #forget(row: number): void {
    const name = this.#names[row]
    if (name === undefined) return
    this.#foreign.delete(name)
    this.#foreigners = this.#foreign.size
    this.#names[row] = undefined
  }

  /** Everything at the place where the doubled table looks for it. */
  #grow(): void {
    const { f64, capacity } = this
    const names = this.#names
    const firsts = this.#firsts
    this.capacity = 2 * capacity
    this.f64 = new Float64Array(this.capacity * 8)
    this.u32 = new Uint32Array(this.f64.buffer)
    this.#names = []
    this.#firsts = new Float64Array(this.capacity).fill(HAS_ROW)
    for (let number = Math.max(0, this.#next - capacity); number < this.#next; number++)
      this.#firsts[this.row(number)] = firsts[number & (capacity - 1)] as number
    for (let old = 0; old < capacity; old++) {
      const number = (f64[old * 8 + TRACE_F64.number] as number) - 1
      // Memory that was never written costs nothing.
      if (number < 0) continue
      const row = this.row(number)
      this.f64.set(f64.subarray(old * 8, old * 8 + 8), row * 8)
      if (names[old] !== undefined) this.#names[row] = names[old]
    }
  }

  /** Makes the row of a trace empty, whatever stood there. */
  #clear(number: number): void {
    const last = this.f64[this.row(number) * 8 + TRACE_F64.last] as number
    if (last !== 0 && this.capacity < this.#maxCapacity && this.#isThere(last - 1)) this.#grow()
    const row = this.row(number)
    this.#firsts[row] = HAS_ROW
    if (this.u32[row * 16 + TRACE_U32.dirty] === 1) this.lost += this.u32[row * 16 + TRACE_U32.pending] as number
    if (this.#foreigners > 0) this.#forget(row)
    const at = row * 8
    this.f64[at + TRACE_F64.last] = 0
    this.f64[at + TRACE_F64.emitted] = 0
    this.f64[at + TRACE_F64.number] = number + 1
    // Two words of 32 bits at once: spans and keep, dirty and broken.
    this.f64[at + 2] = 0
    this.f64[at + 3] = 0
    this.u32[row * 16 + TRACE_U32.pending] = 0
  }
}
