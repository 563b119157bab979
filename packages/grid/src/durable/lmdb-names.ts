import type { Tree } from './lmdb-tree.ts'

/** Of all releases so far. A file of maps alone lacks some, one of a newer release may have others. */
const TABLES = 'batches epochs grid grid-log grid-sessions heads journals leases meta outbox revisions tags'.split(' ')
/** Its rows have versions (lmdb-js). */
const VERSIONS = 0x100
const FEW_BITS = 8

export interface NamedTree {
  readonly name: string
  readonly tree: Tree
  /** Where that is told. */
  readonly page: number
}

/** Whether these are the tables of this program, be it that the name of one is damaged. Others have their own rules for theirs. */
export function isOurs(tables: readonly NamedTree[]): boolean {
  return tables.some(({ name }) => TABLES.includes(name)) && tables.some(({ name }) => isLike(name, 'meta'))
}

export function hasVersions({ tree }: NamedTree): boolean {
  return tree.flags === VERSIONS
}

/** What is wrong with the row of one of our tables; undefined: nothing. */
export function tableFault({ name, tree }: NamedTree, all: readonly NamedTree[]): string | undefined {
  if (tree.pad !== 0 || (tree.flags | VERSIONS) !== VERSIONS) return `it tells that table ${name} is of the kind ${tree.flags}`
  if (TABLES.includes(name)) return undefined
  const missing = TABLES.find((known) => isLike(name, known) && !all.some((each) => each.name === known))
  return missing === undefined ? undefined : `it has a table ${JSON.stringify(name)}, and none ${missing}`
}

/** The same name but for a few bits. */
function isLike(name: string, known: string): boolean {
  const [a, b] = [Buffer.from(name, 'latin1'), Buffer.from(known)]
  if (a.length !== b.length) return false
  let bits = 0
  for (const [at, byte] of a.entries()) for (let left = byte ^ (b[at] as number); left > 0; left &= left - 1) bits += 1
  return bits <= FEW_BITS
}
