import { createHex, mix, parseWord, unmix } from './hex.ts'

/**
 * Ids of traces and spans, cheap: each is a random beginning and a number counted up. The last 32 bits of a trace id are even (samplers
 * judge by them), and the number can be read back from them, so that a trace of our own is found without a table of texts. The texts of
 * a page of ids share their beginning and end: a new one is one or two joins of strings, and the table they need stays in the processor's cache.
 */
export class Ids {
  /** The first 32 bits of every span of this process. */
  readonly spanHigh: number
  readonly #hex = createHex()
  readonly #words: readonly [number, number, number]
  #low: number
  /** Texts of spans: the beginning of those of a page of 256. */
  #spanPage = -1
  #spanHead = ''
  /** Texts of traces: the beginning of an epoch of 2 ** 32, and the end of a page of 256. */
  #epoch = 0
  #traceHead: string
  #tracePage = -1
  #pageBits = 0
  #traceEnd = ''

  constructor(random: () => number) {
    const word = (): number => Math.floor(random() * 2 ** 32) >>> 0
    this.spanHigh = word() || 1
    this.#low = word()
    this.#words = [word() || 1, word(), word()]
    this.#traceHead = this.#headOf(0)
  }

  /** A new span: its last 32 bits. */
  nextSpan(): number {
    this.#low = (this.#low + 1) | 0
    return this.#low
  }

  spanText(low: number): string {
    if (low >>> 8 !== this.#spanPage) {
      this.#spanPage = low >>> 8
      this.#spanHead = this.#hex.word(this.spanHigh) + this.#hex.word(low >>> 0).slice(0, 6)
    }
    return this.#spanHead + (this.#hex.two[low & 0xff] as string)
  }

  /** Text of the trace with that number. */
  traceText(number: number): string {
    const top = this.lastWord(number) >>> 24
    const epoch = Math.floor(number / NUMBERS)
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      this.#traceHead = this.#headOf(epoch)
    }
    return this.#traceHead + (this.#hex.two[top] as string) + this.#traceEnd
  }

  /** Writes the four words of that trace. */
  writeTrace(number: number, into: Uint32Array, at: number): void {
    const words = this.#words
    into[at] = words[0]
    into[at + 1] = words[1]
    into[at + 2] = number < NUMBERS ? words[2] : words[2] + Math.floor(number / NUMBERS)
    into[at + 3] = this.lastWord(number)
  }

  /** The last word: each page of 256 numbers has every value of the first 8 bits once, and bits after them that look random. */
  lastWord(number: number): number {
    const page = number >>> 8
    if (page !== this.#tracePage) {
      this.#tracePage = page
      this.#pageBits = mix(page)
      this.#traceEnd = this.#hex.word(this.#pageBits).slice(2)
    }
    return (((Math.imul(number & 0xff, STRIDE) + this.#pageBits) << 24) | this.#pageBits) >>> 0
  }

  /** Number of a trace of our own, or -1. */
  ownTrace(traceId: string): number {
    if (!traceId.startsWith(this.#traceHead)) return -1
    const word = parseWord(traceId, 24)
    if (word < 0) return -1
    const bits = word & 0xffffff
    const low = Math.imul((word >>> 24) - bits, UNSTRIDE) & 0xff
    return this.#epoch * NUMBERS + ((unmix(bits) << 8) >>> 0) + low
  }

  #headOf(epoch: number): string {
    const [first, second, third] = this.#words
    return this.#hex.word(first) + this.#hex.word(second) + this.#hex.word((third + epoch) >>> 0)
  }
}

/** Numbers of traces that one random beginning serves. */
const NUMBERS = 2 ** 32

/** Odd, so that it takes 8 bits one to one; times its inverse it is 1 in 8 bits. Near 256 / 1.618: neighbours lie far apart. */
const STRIDE = 157
const UNSTRIDE = 181
