import type { Tree } from './lmdb-tree.ts'

/** What was found in a tree. */
export interface Counts {
  branches: number
  leaves: number
  large: number
  entries: number
}

const NAMES = {
  branches: 'branches',
  leaves: 'leaves',
  large: 'pages of large values',
  entries: 'entries',
} as const satisfies Record<keyof Counts, string>

export const noCounts = (): Counts => ({ branches: 0, leaves: 0, large: 0, entries: 0 })

/** How what a tree tells of itself differs from what is there; undefined: not at all. */
export function countFault(tree: Tree, found: Counts): string | undefined {
  for (const [name, text] of Object.entries(NAMES) as [keyof Counts, string][])
    if (tree[name] !== found[name]) return `${tree[name]} ${text} are told of, and there are ${found[name]}`
  return undefined
}

/** What makes it no tree that could be walked; undefined: nothing. */
export function treeFault({ root, depth }: Tree): string | undefined {
  const deep = root === undefined ? depth === 0 : depth >= 1 && depth <= MOST_LEVELS
  return deep ? undefined : `a tree of ${depth} levels is told of`
}

/** mdb.c, CURSOR_STACK. */
const MOST_LEVELS = 32
