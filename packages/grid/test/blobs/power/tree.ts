import { dirname } from 'node:path'

/** What a process did to a tree of files, in order: see tree-log.c. */
export interface TreeRecord {
  /** Said, flush begun and ended, file made, linked, directory made, renamed, removed, written. */
  readonly kind: 'A' | 'B' | 'C' | 'E' | 'L' | 'M' | 'R' | 'U' | 'W'
  /** Where it wrote, or which flush it is. */
  readonly number: number
  readonly path: string
  /** What it wrote or said, or the other path. */
  readonly bytes: Buffer
}

/** The records that are whole: the last one may have been cut off by a kill. */
export function readTreeLog(log: Buffer): readonly TreeRecord[] {
  const records: TreeRecord[] = []
  for (let at = 0; at + 17 <= log.length;) {
    const [path, more] = [log.readUInt32LE(at + 9), log.readUInt32LE(at + 13)]
    const from = at + 17
    if (from + path + more > log.length) break
    records.push({
      kind: String.fromCharCode(log[at] as number) as TreeRecord['kind'],
      number: Number(log.readBigUInt64LE(at + 1)),
      path: log.toString('utf8', from, from + path),
      bytes: log.subarray(from + path, from + path + more),
    })
    at = from + path + more
  }
  return records
}

export type Fate = 'all' | 'none' | 'torn'

interface Write {
  readonly index: number
  readonly at: number
  readonly bytes: Buffer
}
interface Inode {
  readonly writes: Write[]
  flushedTo: number
}
/** Names that one call changes, all of them or none. */
interface Step {
  readonly index: number
  readonly names: readonly { readonly path: string; readonly inode: Inode | 'directory' | undefined }[]
}

const SECTOR = 512

/**
 * The files of the tree as they may be found when the power was cut after so many records. A file has the bytes that were flushed, and of the
 * others those that `survives`; a directory has the names that were flushed, and of the others each that survives, in whichever order: so
 * little is promised. A rename is done or not done, in both directories, and on the disk when one of them was flushed.
 */
export function treeAt(
  records: readonly TreeRecord[],
  cut: number,
  survives: () => Fate,
  random: () => number,
): ReadonlyMap<string, Buffer> {
  const live = new Map<string, Inode>()
  const steps: Step[] = []
  const began = new Map<number, number>()
  const directories = new Map<string, number>()
  const done = records.slice(0, cut)
  for (const [index, { kind, number, path, bytes }] of done.entries()) {
    const inode = live.get(path)
    const to = bytes.toString()
    if (kind === 'C') {
      const made: Inode = { writes: [], flushedTo: 0 }
      live.set(path, made)
      steps.push({ index, names: [{ path, inode: made }] })
    } else if (kind === 'M') steps.push({ index, names: [{ path, inode: 'directory' }] })
    else if (kind === 'W') inode?.writes.push({ index, at: number, bytes })
    else if (kind === 'B') began.set(number, index)
    else if (kind === 'E') {
      const from = began.get(number) ?? 0
      if (inode === undefined) directories.set(path, Math.max(directories.get(path) ?? 0, from))
      else inode.flushedTo = Math.max(inode.flushedTo, from)
    } else if (kind === 'U') {
      live.delete(path)
      steps.push({ index, names: [{ path, inode: undefined }] })
    } else if (kind !== 'A' && inode !== undefined) {
      live.set(to, inode)
      if (kind === 'R') live.delete(path)
      steps.push({ index, names: [{ path: to, inode }, ...(kind === 'R' ? [{ path, inode: undefined }] : [])] })
    }
  }
  const names = new Map<string, Inode | 'directory'>()
  for (const { index, names: changed } of steps) {
    const flushed = changed.some(({ path }) => index < (directories.get(dirname(path)) ?? 0))
    if (!flushed && survives() === 'none') continue
    for (const { path, inode } of changed) {
      if (inode === undefined) names.delete(path)
      else names.set(path, inode)
    }
  }
  const made = new Set(steps.flatMap((step) => step.names.flatMap(({ path, inode }) => (inode === 'directory' ? [path] : []))))
  const there = (path: string): boolean => !made.has(path) || (names.get(path) === 'directory' && there(dirname(path)))
  const files = new Map<string, Buffer>()
  for (const [path, inode] of names) {
    if (inode !== 'directory' && there(dirname(path))) files.set(path, contentOf(inode, survives, random))
  }
  return files
}

function contentOf({ writes, flushedTo }: Inode, survives: () => Fate, random: () => number): Buffer {
  let content = Buffer.alloc(0)
  for (const { index, at, bytes } of writes) {
    const fate = index < flushedTo ? 'all' : survives()
    if (fate === 'none') continue
    const length = fate === 'all' ? bytes.length : Math.min(bytes.length, SECTOR * Math.floor(random() * (bytes.length / SECTOR + 1)))
    if (at + length > content.length) content = Buffer.concat([content, Buffer.alloc(at + length - content.length)])
    bytes.copy(content, at, 0, length)
  }
  return content
}
