/** A small protobuf reader of our own, so that what we send is judged by something else than what wrote it. */
export type Field = { readonly number: number; readonly value: bigint | Uint8Array }

/** The fields of a message, in order. Wire types: https://protobuf.dev/programming-guides/encoding/ */
export function fields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new RangeError('a varint goes past the end')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const key = Number(varint())
    const number = key >> 3
    switch (key & 7) {
      case 0:
        found.push({ number, value: varint() })
        break
      case 1:
        found.push({ number, value: view.getBigUint64(at, true) })
        at += 8
        break
      case 2: {
        const length = Number(varint())
        found.push({ number, value: bytes.subarray(at, at + length) })
        at += length
        break
      }
      case 5:
        found.push({ number, value: BigInt(view.getUint32(at, true)) })
        at += 4
        break
      default:
        throw new RangeError(`wire type ${key & 7} at ${at}`)
    }
  }
  if (at !== bytes.length) throw new RangeError('a field goes past the end')
  return found
}

/** The sub-messages (or strings) of that field number, through a path of numbers. */
export function dig(bytes: Uint8Array, ...path: readonly number[]): Uint8Array[] {
  const [first, ...rest] = path
  if (first === undefined) return [bytes]
  return fields(bytes).flatMap(({ number, value }) => (number === first && value instanceof Uint8Array ? dig(value, ...rest) : []))
}
