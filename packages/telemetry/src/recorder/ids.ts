import { createHex, mix, parseWord, unmix } from './hex.ts'

/**
 * Ids of traces and spans, cheap: each is a random beginning and a number counted up. The number in a trace id is mixed, so that its
 * last 32 bits are even (samplers judge by them), and can be read back, so that a trace of our own is found without a table of texts.
 */
export interface Ids {
  /** The first 32 bits of every span of this process. */
  readonly spanHigh: number
  /** A new span: its last 32 bits. */
  nextSpan(): number
  spanText(low: number): string
  /** Text of the trace with that number. */
  traceText(number: number): string
  /** The four words of that trace. */
  traceWord(number: number, index: 0 | 1 | 2 | 3): number
  /** Number of a trace of our own, or -1. */
  ownTrace(traceId: string): number
}

/** Numbers of traces that one random beginning serves. */
const NUMBERS = 2 ** 32

export function createIds(random: () => number): Ids {
  const hex = createHex()
  const word = (): number => Math.floor(random() * 2 ** 32) >>> 0
  const spanHigh = word() || 1
  let low = word()
  let page = -1
  let pageText = ''
  const words = [word() || 1, word(), word()] as const
  const text = (epoch: number): string => hex.word(words[0]) + hex.word(words[1]) + hex.word((words[2] + epoch) >>> 0)
  let epochNow = 0
  let prefix = text(0)

  const prefixOf = (number: number): string => {
    const epoch = Math.floor(number / NUMBERS)
    if (epoch !== epochNow) {
      epochNow = epoch
      prefix = text(epoch)
    }
    return prefix
  }

  return {
    spanHigh,
    nextSpan() {
      low = (low + 1) >>> 0
      return low
    },
    spanText(value) {
      if (value >>> 12 !== page) {
        page = value >>> 12
        pageText = hex.word(spanHigh) + hex.word(value).slice(0, 5)
      }
      return pageText + (hex.three[value & 0xfff] as string)
    },
    traceText: (number) => prefixOf(number) + hex.word(mix(number >>> 0)),
    traceWord(number, index) {
      if (index === 3) return mix(number >>> 0)
      return index === 2 ? (words[2] + Math.floor(number / NUMBERS)) >>> 0 : words[index]
    },
    ownTrace(traceId) {
      if (!traceId.startsWith(prefix)) return -1
      const value = parseWord(traceId, 24)
      return value < 0 ? -1 : epochNow * NUMBERS + unmix(value)
    },
  }
}
