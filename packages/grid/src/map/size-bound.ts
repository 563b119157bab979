/** The most that msgpack uses for a number, or for the head of anything longer; a Map or Set has some more around it. */
const HEAD_BYTES = 16
/** The most that UTF-8 uses for one unit of a string. */
const UNIT_BYTES = 3

/** The codec refuses objects with as many names as this. */
export const MANY_NAMES: number = 2 ** 16

/**
 * Bytes that a sealed value surely does not exceed when it is packed: dearer values are packed to find out. Infinity for what
 * has no simple bound, or cannot be packed.
 */
export function boundBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return HEAD_BYTES + UNIT_BYTES * value.length
    case 'object':
      return value === null ? HEAD_BYTES : boundObject(value)
    case 'number':
    case 'boolean':
      return HEAD_BYTES
    default:
      return Infinity
  }
}

function boundObject(value: object): number {
  if (Array.isArray(value)) return value.reduce<number>((bytes, item) => bytes + boundBytes(item), HEAD_BYTES)
  if (Object.getPrototypeOf(value) !== Object.prototype) return Infinity
  let bytes = HEAD_BYTES
  const names = Object.keys(value)
  if (names.length >= MANY_NAMES) return Infinity
  for (const name of names) {
    bytes += HEAD_BYTES + UNIT_BYTES * name.length + boundBytes((value as Record<string, unknown>)[name])
  }
  return bytes
}
