import { keyBytes, longAt, nodeAt, NODE_HEADER, nodesOf } from './lmdb-page.ts'

/** A key in a page. */
export interface Key {
  readonly page: Buffer
  readonly node: number
}

/**
 * What is wrong with the order of the keys of a page, which are from `from` on and before `to`; undefined: nothing. Keys are numbers, or
 * bytes. The first key of a branch counts for nothing.
 */
export function orderFault(page: Buffer, numbers: boolean, leaf: boolean, from?: Key, to?: Key): string | undefined {
  const nodes = nodesOf(page)
  const first = leaf ? 0 : 1
  let before: number | undefined
  for (let index = first; index < nodes; index++) {
    const node = nodeAt(page, index)
    if (before !== undefined && !isAfter(numbers, page, node, page, before)) return 'its keys do not stand in order'
    if (index === first && from !== undefined && isAfter(numbers, from.page, from.node, page, node))
      return 'it has keys of a page before it'
    before = node
  }
  const within = before === undefined || to === undefined || isAfter(numbers, to.page, to.node, page, before)
  return within ? undefined : 'it has keys of a page after it'
}

/** Bytes: the beginning of another key comes before it. */
function isAfter(numbers: boolean, page: Buffer, node: number, other: Buffer, otherNode: number): boolean {
  const [at, otherAt] = [node + NODE_HEADER, otherNode + NODE_HEADER]
  if (numbers) return longAt(page, at) > longAt(other, otherAt)
  const [size, otherSize] = [keyBytes(page, node), keyBytes(other, otherNode)]
  const both = Math.min(size, otherSize)
  for (let byte = 0; byte < both; byte++) {
    const [mine, its] = [page[at + byte] as number, other[otherAt + byte] as number]
    if (mine !== its) return mine > its
  }
  return size > otherSize
}
