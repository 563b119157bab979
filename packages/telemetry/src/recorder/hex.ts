/** Hexadecimal text of ids. Texts of 3 digits are made once: an id is then one or two joins of strings. */
export interface Hex {
  /** 0..4095 -> 3 digits. */
  readonly three: readonly string[]
  /** 8 digits. */
  word(value: number): string
}

export function createHex(): Hex {
  const three = Array.from({ length: 4096 }, (_, value) => value.toString(16).padStart(3, '0'))
  const two = three.slice(0, 256).map((text) => text.slice(1))
  return {
    three,
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

/** Mixes 32 bits, one to one, so that ids counted up look random (MurmurHash3's finaliser by Austin Appleby). */
export function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** What {@link mix} made, back. */
export function unmix(value: number): number {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, 0x7ed1b41d)
  h = Math.imul(h ^ (h >>> 13) ^ (h >>> 26), 0xa5cb9243)
  return (h ^ (h >>> 16)) >>> 0
}
