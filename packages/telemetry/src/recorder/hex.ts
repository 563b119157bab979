/** Hexadecimal text of ids. Texts of 2 and 3 digits are made once: an id is then one or two joins of strings. */
export interface Hex {
  /** 0..255 -> 2 digits. */
  readonly two: readonly string[]
  /** 8 digits. */
  word(value: number): string
}

export function createHex(): Hex {
  const three = Array.from({ length: 4096 }, (_, value) => value.toString(16).padStart(3, '0'))
  const two = three.slice(0, 256).map((text) => text.slice(1))
  return {
    two,
    word: (value) => (three[value >>> 20] as string) + (three[(value >>> 8) & 0xfff] as string) + (two[value & 0xff] as string),
  }
}

/** The 8 lower-case hex digits of `text` from `at` as a number from 0, or -1 if they are none. */
export function parseWord(text: string, at: number): number {
  let value = 0
  for (let i = at; i < at + 8; i++) {
    const code = text.charCodeAt(i)
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

/** Mixes 24 bits, one to one, so that numbers counted up look random. */
export function mix(value: number): number {
  const once = Math.imul(value, 0xca6b) & 0xffffff
  return Math.imul(once ^ (once >>> 12), 0x5bd1) & 0xffffff
}

/** What {@link mix} made, back: by the inverse factors. */
export function unmix(value: number): number {
  const once = Math.imul(value, 0xbbdd31) & 0xffffff
  return Math.imul(once ^ (once >>> 12), 0x8e9243) & 0xffffff
}
