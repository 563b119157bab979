/** What a process did to the file, in order: see write-log.c. */
export interface LogRecord {
  readonly kind: 'A' | 'B' | 'D' | 'E' | 'T' | 'W'
  /** Where it wrote, to which length it cut, or which flush it is. */
  readonly number: number
  readonly bytes: Buffer
}

/** The records that are whole: the last one may have been cut off by a kill. */
export function readLog(log: Buffer): readonly LogRecord[] {
  const records: LogRecord[] = []
  for (let at = 0; at + 13 <= log.length;) {
    const length = log.readUInt32LE(at + 9)
    if (at + 13 + length > log.length) break
    const kind = String.fromCharCode(log[at] as number) as LogRecord['kind']
    records.push({ kind, number: Number(log.readBigUInt64LE(at + 1)), bytes: log.subarray(at + 13, at + 13 + length) })
    at += 13 + length
  }
  return records
}

/** A disk writes sectors whole, and in any order. */
const SECTOR = 512
const PAGE = 4096
/** Of lmdb's three heads: where each says with which start of the machine it was written. */
const BOOT_IDS = [160, PAGE / 2 + 160, PAGE + 160]

/**
 * The file as it may be found when the power was cut after so many records: all that was flushed by then, and of the rest what `survives`
 * says, page by page or torn at a sector. It is told to be of an earlier start of the machine.
 */
export function imageAt(records: readonly LogRecord[], cut: number, survives: () => 'all' | 'none' | 'torn', random: () => number): Buffer {
  const done = records.slice(0, cut)
  const began = new Map<number, number>()
  let flushedTo = 0
  for (const [at, { kind, number }] of done.entries()) {
    if (kind === 'B') began.set(number, at)
    // What was written before the flush began is on the disk when it has ended.
    if (kind === 'E') flushedTo = Math.max(flushedTo, began.get(number) ?? 0)
  }
  let image = Buffer.alloc(0)
  function write(at: number, bytes: Buffer): void {
    if (at + bytes.length > image.length) image = Buffer.concat([image, Buffer.alloc(at + bytes.length - image.length)])
    bytes.copy(image, at)
  }
  for (const [at, { kind, number, bytes }] of done.entries()) {
    if (kind === 'T') throw new Error('a file that is cut is more than this can make')
    if (kind !== 'W' && kind !== 'D') continue
    if (kind === 'D' || at < flushedTo) {
      write(number, bytes)
      continue
    }
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + PAGE - ((number + from) % PAGE))
      const fate = survives()
      const sectors = Math.floor(random() * (PAGE / SECTOR))
      const torn = Math.min(to, from + Math.max(0, sectors * SECTOR - ((number + from) % SECTOR)))
      if (fate === 'all') write(number + from, bytes.subarray(from, to))
      else if (fate === 'torn' && torn > from) write(number + from, bytes.subarray(from, torn))
      from = to
    }
  }
  for (const at of BOOT_IDS) if (at + 8 <= image.length && image.readBigInt64LE(at) !== 0n) image.writeBigInt64LE(1n, at)
  return image
}
