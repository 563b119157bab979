const BASIS = 0x811c9dc5
const PRIME = 0x01000193

/**
 * 32 bits that tell a key from damaged ones: two of the same length that differ in one byte never have the same. FNV-1a,
 * http://www.isthe.com/chongo/tech/comp/fnv/; keys are short, and it needs no call out of the program.
 */
export function keySum(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  let sum = BASIS
  for (let at = from; at < to; at++) sum = Math.imul(sum ^ (bytes[at] as number), PRIME)
  return sum >>> 0
}
