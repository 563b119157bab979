/** Of the client protocol's frames: length (4 bytes), flags (2), content. The content of a message's first frame begins with its type. */
const HEADER = 6
const IS_FINAL = 1 << 13
/** What tells a client of a changed entry (MapAddEntryListener). */
const ENTRY_EVENT = 71_938

/**
 * Reads what a member sends to a client, message by message, and leaves out those entry events that `drops` picks. It follows the
 * Open Binary Client Protocol 2, https://github.com/hazelcast/hazelcast-client-protocol.
 */
export function createEventFilter(drops: () => boolean): (chunk: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0)
  /** Undefined between two messages. */
  let dropping: boolean | undefined
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const passed: Buffer[] = []
    let at = 0
    while (bytes.length - at >= HEADER) {
      const length = bytes.readInt32LE(at)
      if (bytes.length - at < length) break
      const isFinal = (bytes.readUInt16LE(at + 4) & IS_FINAL) !== 0
      dropping ??= length >= HEADER + 4 && bytes.readInt32LE(at + HEADER) === ENTRY_EVENT && drops()
      if (!dropping) passed.push(bytes.subarray(at, at + length))
      if (isFinal) dropping = undefined
      at += length
    }
    rest = Buffer.from(bytes.subarray(at))
    return passed.length === 1 ? (passed[0] as Buffer) : Buffer.concat(passed)
  }
}
