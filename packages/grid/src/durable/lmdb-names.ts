import type { Tree } from './lmdb-tree.ts'

/** Of all releases so far. A file of maps alone lacks some, one of a newer release may have others. */
const TABLES = 'batches epochs grid grid-log grid-sessions heads journals leases meta outbox revisions tags'.split(' ')
/** Its rows have versions (lmdb-js). */
const VERSIONS = 0x100
const FEW_BITS = 8

/** A row where the tables of a file are told of. */
export interface NamedTree {
  readonly name: string
  /** Undefined: its row says that it is none. */
  readonly tree: Tree | undefined
  /** Where that is told. */
  readonly page: number
}

/** Whether these are the tables of this program, be it that the name of one is damaged. Others have their own rules for theirs. */
export function isOurs(tables: readonly NamedTree[]): boolean {
  return tables.some(({ name }) => TABLES.includes(name)) && tables.some(({ name }) => isLike(name, 'meta'))
}

/** Whether one of our tables has such a name, or one that differs in a few bits. */
export function isLikeOurs(name: string): boolean {
  return TABLES.some((known) => isLike(name, known))
}

export function hasVersions({ flags }: Tree): boolean {
  return flags === VERSIONS
}

/** What is wrong with the row of one of our tables; undefined: nothing. */
export function tableFault({ name, tree }: NamedTree, all: readonly NamedTree[]): string | undefined {
  if (tree === undefined) return isLikeOurs(name) ? `it tells that ${JSON.stringify(name)} is no table` : undefined
  if (tree.pad !== 0 || (tree.flags | VERSIONS) !== VERSIONS) return `it tells that table ${name} is of the kind ${tree.flags}`
  if (TABLES.includes(name)) return undefined
  const missing = TABLES.find((known) => isLike(name, known) && !all.some((each) => each.name === known))
  return missing === undefined ? undefined : `it has a table ${JSON.stringify(name)}, and none ${missing}`
}

/** The same name but for a few bits, be they of the zero at its end. */
function isLike(name: string, known: string): boolean {
  const end = name.length - known.length
  if (end !== 0 && end !== 1) return false
  let bits = 0
  for (let at = 0; at < name.length; at++)
    for (let left = name.charCodeAt(at) ^ (at < known.length ? known.charCodeAt(at) : 0); left > 0; left &= left - 1) bits += 1
  return bits <= FEW_BITS
}
