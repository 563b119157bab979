const PAGE = 4096
const HEADER = 24

/** Where the bytes of structure stand in an lmdb file: heads, headers of pages, lists of nodes, headers of nodes with their keys. Pages out of use as well. */
export function structureOf(file: Buffer): readonly number[] {
  const found: number[] = []
  const range = (at: number, bytes: number): void => {
    for (let byte = 0; byte < bytes; byte++) found.push(at + byte)
  }
  // A hundredth of all is the heads': four times each.
  for (let time = 0; time < 4; time++) for (const at of [0, PAGE]) range(at, 168)
  for (let at = 2 * PAGE; at < file.length; at += PAGE) {
    if (Number(file.readBigUInt64LE(at)) !== at / PAGE) continue
    const flags = file.readUInt16LE(at + 18)
    range(at, HEADER)
    if ((flags & 3) === 0) continue
    const lower = file.readUInt16LE(at + 20)
    range(at + HEADER, lower)
    for (let node = 0; node < lower; node += 2) {
      const offset = at + HEADER + file.readUInt16LE(at + HEADER + node)
      if (offset + 8 <= at + PAGE) range(offset, Math.min(8 + file.readUInt16LE(offset + 6), at + PAGE - offset))
    }
  }
  return found
}
