import { parseWord } from './hex.ts'
import type { Ids } from './ids.ts'

/** Never to be kept: whoever began the trace did not sample it. */
export const NEVER = 255

/**
 * What is known of the newest traces: where the last record of each is, and whether it is kept. Numbers in arrays, so that a trace costs
 * no object. Bounded (I6): the newest `capacity` traces; an older one that comes back begins a new row.
 */
export class TraceTable {
  readonly capacity: number
  /** Per row. `last` and `emitted`: number of a record plus one, 0 for none. */
  readonly last: Float64Array
  readonly emitted: Float64Array
  readonly keep: Uint8Array
  readonly spans: Uint32Array
  readonly dirty: Uint8Array
  readonly broken: Uint8Array
  readonly words: Uint32Array
  readonly #numbers: Float64Array
  readonly #names: (string | undefined)[] = []
  readonly #foreign = new Map<string, number>()
  readonly #ids: Ids
  #next = 0

  constructor(ids: Ids, capacityLog2: number) {
    this.#ids = ids
    this.capacity = 2 ** capacityLog2
    this.last = new Float64Array(this.capacity)
    this.emitted = new Float64Array(this.capacity)
    this.keep = new Uint8Array(this.capacity)
    this.spans = new Uint32Array(this.capacity)
    this.dirty = new Uint8Array(this.capacity)
    this.broken = new Uint8Array(this.capacity)
    this.words = new Uint32Array(this.capacity * 4)
    this.#numbers = new Float64Array(this.capacity)
  }

  /** A trace that begins here. Returns its number. */
  begin(): number {
    const number = this.#row()
    const at = this.row(number) * 4
    for (const index of [0, 1, 2, 3] as const) this.words[at + index] = this.#ids.traceWord(number, index)
    return number
  }

  /** Number of the trace with that id, new if it is not known; -1 if that is no id. */
  open(traceId: string): number {
    const known = this.find(traceId)
    if (known >= 0) return known
    const words = [0, 8, 16, 24].map((at) => parseWord(traceId, at))
    if (traceId.length !== 32 || words.some((word) => word < 0) || words.every((word) => word === 0)) return -1
    const number = this.#row()
    const row = this.row(number)
    this.words.set(words, row * 4)
    this.#names[row] = traceId
    this.#foreign.set(traceId, number)
    return number
  }

  /** Number of the trace with that id, or -1 if it is not known (any more). */
  find(traceId: string): number {
    const own = this.#ids.ownTrace(traceId)
    if (own >= 0 && this.has(own) && this.#names[this.row(own)] === undefined) return own
    return this.#foreign.get(traceId) ?? -1
  }

  /** True while the row of that trace is its own. */
  has(number: number): boolean {
    return this.#numbers[this.row(number)] === number + 1
  }

  row(number: number): number {
    return number & (this.capacity - 1)
  }

  #row(): number {
    const number = this.#next
    this.#next += 1
    const row = this.row(number)
    const name = this.#names[row]
    if (name !== undefined) {
      this.#foreign.delete(name)
      this.#names[row] = undefined
    }
    this.#numbers[row] = number + 1
    this.last[row] = 0
    this.emitted[row] = 0
    this.keep[row] = 0
    this.spans[row] = 0
    this.dirty[row] = 0
    this.broken[row] = 0
    return number
  }
}
