import { createHex, mix, parseWord, unmix } from './hex.ts'

/**
 * Ids of traces and spans, cheap: each is a random beginning and a number counted up. The last 32 bits of a trace id are even (samplers
 * judge by them), and the number can be read back from them, so that a trace of our own is found without a table of texts. Texts are made
 * for who asks.
 */
export class Ids {
  /** The first 32 bits of every span of this process. */
  readonly spanHigh: number
  readonly #hex = createHex()
  readonly #words: readonly [number, number, number]
  /** Where the bits of the pages of traces begin, or the first traces of every process would end alike. */
  readonly #firstPage: number
  readonly #spanHead: string
  #low: number
  /** The first half of the texts of traces. */
  readonly #traceHead: string
  #tracePage = -1
  #pageBits = 0

  constructor(random: () => number) {
    const word = (): number => Math.floor(random() * 2 ** 32) >>> 0
    this.spanHigh = word() || 1
    this.#low = word() | 0
    this.#words = [word() || 1, word(), word()]
    this.#firstPage = word() >>> 8
    this.#spanHead = this.#hex.word(this.spanHigh)
    this.#traceHead = this.#hex.word(this.#words[0]) + this.#hex.word(this.#words[1])
  }

  /** A new span: its last 32 bits, as a signed integer. */
  nextSpan(): number {
    this.#low = (this.#low + 1) | 0
    return this.#low
  }

  spanText(low: number): string {
    return this.#spanHead + this.#hex.word(low)
  }

  /** Text of the trace with that number. */
  traceText(number: number): string {
    return this.#traceHead + this.#hex.word(this.#third(number) >>> 0) + this.#hex.word(this.#last(number))
  }

  /** Writes the four words of that trace. */
  writeTrace(number: number, into: Uint32Array, at: number): void {
    const words = this.#words
    into[at] = words[0]
    into[at + 1] = words[1]
    into[at + 2] = this.#third(number)
    into[at + 3] = this.#last(number)
  }

  /** The third word counts the epochs of 2 ** 32 traces. */
  #third(number: number): number {
    const [, , third] = this.#words
    return number < NUMBERS ? third : third + Math.floor(number / NUMBERS)
  }

  /** The last word of the trace with that number. */
  lastWord(number: number): number {
    return this.#last(number) >>> 0
  }

  /**
   * The last word as a signed integer, which needs no object. Of sixteen numbers in a row each has another first digit and all the same
   * second one; a page of 256 numbers has every value of the two once, and bits after them that look random.
   */
  #last(number: number): number {
    const page = number >>> 8
    if (page !== this.#tracePage) this.#turnTracePage(page)
    const bits = this.#pageBits
    const second = (Math.imul(number >>> 4, SECOND) + bits) & 15
    const first = (Math.imul(number, FIRST) + (bits >>> 4) + second) & 15
    return (first << 28) | (second << 24) | bits
  }

  #turnTracePage(page: number): void {
    this.#tracePage = page
    this.#pageBits = mix((page + this.#firstPage) & 0xffffff)
  }

  /** Number of a trace of our own, or -1. */
  ownTrace(traceId: string): number {
    if (!traceId.startsWith(this.#traceHead)) return -1
    const third = parseWord(traceId, 16)
    const word = parseWord(traceId, 24)
    if (third < 0 || word < 0) return -1
    const epoch = (third - this.#words[2]) >>> 0
    const bits = word & 0xffffff
    const digit = (word >>> 24) & 15
    const row = (UNSECOND * (digit - bits)) & 15
    const low = (UNFIRST * ((word >>> 28) - (bits >>> 4) - digit)) & 15
    return epoch * NUMBERS + (((unmix(bits) - this.#firstPage) << 8) >>> 0) + 16 * row + low
  }
}

/** Numbers of traces that one random beginning serves. */
const NUMBERS = 2 ** 32

/** Odd, so that each takes 4 bits one to one; times its inverse it is 1 in 4 bits. Neighbours lie far apart. */
const FIRST = 7
const UNFIRST = 7
const SECOND = 5
const UNSECOND = 13
