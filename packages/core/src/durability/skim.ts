/**
 * True if one value stands from `at` to the end, made of nothing but what cannot fail to be read: numbers, texts, bytes, lists, and objects
 * whose keys are known, `fields[i]` of them in those of number `i`. False if it is cut off, or holds something else: to say what that is it
 * must be read. Reading makes an object of each; this makes none. The form is MessagePack, with the packer's numbers for known objects
 * (0x40 and on).
 */
export function isSound(bytes: Uint8Array, at: number, fields: readonly number[]): boolean {
  const end = bytes.length
  let values = 1
  let next = at
  while (values > 0) {
    if (next >= end) return false
    const token = bytes[next] as number
    next += 1
    values -= 1
    if (token < 0x40 || token >= 0xe0) continue
    if (token < 0x80) {
      const inside = fields[token & 0x3f]
      if (inside === undefined) return false
      values += inside
    } else if (token < 0x90) return false
    else if (token < 0xa0) values += token & 0x0f
    else if (token < 0xc0) next += token & 0x1f
    else {
      const width = WIDTHS[token - 0xc0] as number
      if (width === UNKNOWN) return false
      if (width >= 0) next += width
      else {
        // How long it is comes first, in one byte, two or four.
        const digits = -width
        let length = 0
        for (let digit = 0; digit < digits; digit++) length = length * 256 + (bytes[next + digit] as number)
        next += digits
        if (token >= LISTS) values += length
        else next += length
      }
    }
  }
  return next === end
}

const UNKNOWN = -9
const LISTS = 0xdc
/** From 0xc0 on: bytes that follow; negative: bytes that say how many follow. */
const WIDTHS: readonly number[] = [
  ...[0, UNKNOWN, 0, 0], // null, undefined and the like, false, true
  ...[-1, -2, -4], // bytes
  ...[UNKNOWN, UNKNOWN, UNKNOWN], // types of the packer's own
  ...[4, 8, 1, 2, 4, 8, 1, 2, 4, 8], // numbers
  ...[UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
  ...[-1, -2, -4], // texts
  ...[-2, -4], // lists
  ...[UNKNOWN, UNKNOWN], // objects with keys of their own
]
