import { readSync } from 'node:fs'
import type { Snapshot } from './lmdb-file.ts'
import { countFault, noCounts, treeFault, type Counts } from './lmdb-counts.ts'
import { hasVersions, isLikeOurs, isOurs, tableFault, type NamedTree } from './lmdb-names.ts'
import { orderFault, type Key } from './lmdb-order.ts'
import {
  agesFault,
  childAt,
  dataAt,
  dataBytes,
  IN_PAGES,
  keyBytes,
  kindOf,
  largeFault,
  longAt,
  nodeAt,
  NODE_HEADER,
  nodesOf,
  OF_TABLE,
  PAGE_HEADER,
  pageFault,
  txnOf,
} from './lmdb-page.ts'
import { ROW_HEAD_BYTES, rowFault } from './lmdb-rows.ts'
import { treeAt, TREE_BYTES, type Tree } from './lmdb-tree.ts'
import { PageSet } from './page-set.ts'

export interface PageFault {
  readonly page: number
  readonly why: string
}

export interface PagesOptions {
  readonly fd: number
  readonly snapshot: Snapshot
  /** Where the snapshot is told of. */
  readonly head: number
  /** Pages of the file. */
  readonly pages: number
  readonly mostFaults: number
  /** So many are read at most, then it ends. */
  readonly mostPages: number
}

/** Is told each node of a leaf, and how its data begin where they lie in pages of their own, after the header of the first. */
type Visit = (page: Buffer, node: number, at: number, head: Buffer | undefined) => void

/** A tree that is being walked. */
interface Walk {
  readonly tree: Tree
  readonly counts: Counts
  /** Its keys are numbers, or bytes. */
  readonly numbers: boolean
  readonly visit: Visit
}

/** So many pages are read in one turn. */
const AT_ONCE = 64

/**
 * Reads what a snapshot leads to without lmdb, and compares all of it that lmdb trusts: pages of trees whole, of large values the header.
 * In a sound file each page is in use once or free, keys stand in order, and each tree tells what is in it.
 */
export class Pages {
  readonly faults: PageFault[] = []
  /** It ended at one of its limits. */
  ended = false
  #read = 0
  #turnAt = AT_ONCE
  readonly #options: PagesOptions
  readonly #used: PageSet
  readonly #free: PageSet
  readonly #buffers: Buffer[] = []

  constructor(options: PagesOptions) {
    this.#options = options
    this.#used = new PageSet(options.pages)
    this.#free = new PageSet(options.pages)
  }

  /** Gives back after some pages, that others may have their turn. */
  *walk(): Generator<void> {
    const { snapshot, head } = this.#options
    const tables: NamedTree[] = []
    yield* this.#tree(snapshot.main, head, false, (page, node, at) => {
      const isTable = kindOf(page, node) === OF_TABLE
      if (isTable && dataBytes(page, node) !== TREE_BYTES) return this.#fault(at, 'the row of a table has a wrong size')
      const name = page.toString('latin1', node + NODE_HEADER, node + NODE_HEADER + keyBytes(page, node)).replace(/\0$/, '')
      if (isTable || isLikeOurs(name)) tables.push({ name, tree: isTable ? treeAt(page, dataAt(page, node)) : undefined, page: at })
    })
    yield* this.#tree(snapshot.free, head, true, (page, node, at) => this.#freePages(page, node, at))
    this.#checkNewest()
    // Another program's: nothing more of it will be read.
    if (!isOurs(tables)) return
    for (const table of tables) {
      const why = tableFault(table, tables)
      if (why !== undefined) this.#fault(table.page, why)
      else if (table.tree !== undefined) yield* this.#tree(table.tree, table.page, false, this.#rowsOf(hasVersions(table.tree)))
    }
  }

  *#tree(tree: Tree, toldAt: number, numbers: boolean, visit: Visit): Generator<void> {
    const before = this.faults.length
    const counts = noCounts()
    const wrong = treeFault(tree)
    if (wrong !== undefined) this.#fault(toldAt, wrong)
    else if (tree.root !== undefined && !this.ended)
      yield* this.#page(tree.root, toldAt, 1, { tree, counts, numbers, visit }, Number(this.#options.snapshot.txn))
    const different = this.ended || this.faults.length > before ? undefined : countFault(tree, counts)
    if (different !== undefined) this.#fault(toldAt, different)
  }

  /** The keys below are from `from` on and before `to`. */
  *#page(at: number, toldAt: number, level: number, walk: Walk, newest: number, from?: Key, to?: Key): Generator<void> {
    const leaf = level === walk.tree.depth
    const page = (this.#buffers[level] ??= Buffer.alloc(this.#options.snapshot.pageSize))
    if (!this.#take(at, toldAt)) return
    const why =
      this.#load(page, at) ?? pageFault(page, at, leaf) ?? agesFault(page, newest) ?? orderFault(page, walk.numbers, leaf, from, to)
    if (why !== undefined) {
      this.#fault(at, why)
      return
    }
    if (this.#read >= this.#turnAt) {
      this.#turnAt = this.#read + AT_ONCE
      yield
    }
    const nodes = nodesOf(page)
    if (leaf) {
      walk.counts.leaves += 1
      walk.counts.entries += nodes
      for (let index = 0; index < nodes; index++) {
        const node = nodeAt(page, index)
        const inPages = kindOf(page, node) === IN_PAGES
        const head = inPages ? this.#large(page, node, at, walk.counts) : undefined
        if (!inPages || head !== undefined) walk.visit(page, node, at, head)
      }
      return
    }
    walk.counts.branches += 1
    const own = txnOf(page)
    for (let index = 0; index < nodes && !this.ended; index++) {
      const node = nodeAt(page, index)
      const next = index + 1 < nodes ? { page, node: nodeAt(page, index + 1) } : to
      yield* this.#page(childAt(page, node), at, level + 1, walk, own, index === 0 ? from : { page, node }, next)
    }
  }

  /** The first bytes of a large value, with the header of its page; undefined: it is damaged. */
  #large(page: Buffer, node: number, at: number, counts: Counts): Buffer | undefined {
    const data = dataAt(page, node)
    const [first, txn, count] = [longAt(page, data), longAt(page, data + 8), longAt(page, data + 16)]
    if (count < 1 || dataBytes(page, node) > count * this.#options.snapshot.pageSize - PAGE_HEADER) {
      this.#fault(at, `${count} pages of a large value are told of`)
      return undefined
    }
    counts.large += count
    for (let each = 0; each < count; each++) if (!this.#take(first + each, at)) return undefined
    const head = Buffer.alloc(PAGE_HEADER + ROW_HEAD_BYTES)
    const why = this.#load(head, first) ?? largeFault(head, first, count, txn) ?? agesFault(head, txnOf(page))
    if (why === undefined) return head
    this.#fault(first, why)
    return undefined
  }

  #rowsOf(versions: boolean): Visit {
    return (page, node, at, head) => {
      const why = rowFault(page, node, versions, head, () => this.#dataOf(page, node))
      if (why !== undefined) this.#fault(at, why)
    }
  }

  #dataOf(page: Buffer, node: number): Buffer {
    const [data, size] = [dataAt(page, node), dataBytes(page, node)]
    if (kindOf(page, node) !== IN_PAGES) return page.subarray(data, data + size)
    const [bytes, { fd, snapshot }] = [Buffer.alloc(size), this.#options]
    return bytes.subarray(0, readSync(fd, bytes, 0, size, longAt(page, data) * snapshot.pageSize + PAGE_HEADER))
  }

  /** A list of free pages: how many numbers follow; then pages, and before the first of several in a row how many, as a negative number. */
  #freePages(page: Buffer, node: number, at: number): void {
    const size = dataBytes(page, node)
    const list = this.#dataOf(page, node)
    if (list.length < size) return
    const numbers = size < 8 || size % 8 !== 0 || kindOf(page, node) === OF_TABLE ? -1 : Number(list.readBigInt64LE(0))
    if (numbers < 0 || numbers >= size / 8) return this.#fault(at, 'a list of free pages has a wrong size or kind')
    let inRow = 1
    for (let index = 1; index <= numbers; index++) {
      const number = Number(list.readBigInt64LE(8 * index))
      if (number < 0) inRow = -number
      if (number > 0 || inRow > this.#options.snapshot.lastPage) {
        const why = this.#release(number, inRow)
        if (why !== undefined) return this.#fault(at, why)
        inRow = 1
      }
    }
  }

  #release(first: number, count: number): string | undefined {
    if (first < 2 || first + count - 1 > this.#options.snapshot.lastPage)
      return `it tells that page ${first} is free, and ${count - 1} after it`
    for (let page = first; page < first + count && page < this.#options.pages; page++) {
      if (this.#used.has(page)) return `it tells that page ${page} is free, which is in use`
      this.#free.add(page)
    }
    return undefined
  }

  /** Whether the page may be in use, and is not yet. */
  #take(page: number, toldAt: number): boolean {
    const { snapshot, pages } = this.#options
    if (page < 2 || page > snapshot.lastPage)
      this.#fault(toldAt, `it leads to page ${page}, and the last one taken is ${snapshot.lastPage}`)
    else if (page >= pages) this.#fault(page, this.#endsBefore())
    else if (this.#used.has(page)) this.#fault(page, `more than one way leads to it: one from page ${toldAt}`)
    else if (this.#free.has(page)) this.#fault(page, 'it is in use, and in the list of free pages')
    else {
      this.#used.add(page)
      return true
    }
    return false
  }

  #load(into: Buffer, page: number): string | undefined {
    this.#read += 1
    if (this.#read >= this.#options.mostPages) this.ended = true
    const { fd, pages, snapshot } = this.#options
    const read = page < pages ? readSync(fd, into, 0, into.length, page * snapshot.pageSize) : 0
    return read < into.length ? this.#endsBefore() : undefined
  }

  #endsBefore(): string {
    return `it is in use, and the file ends before it, after ${this.#options.pages} pages`
  }

  /** Each transaction writes the root of one of the two trees: a head that tells of a later one is not to be believed. */
  #checkNewest(): void {
    const { snapshot, head } = this.#options
    if (this.faults.length > 0 || (snapshot.main.root ?? snapshot.free.root) === undefined) return
    const header = Buffer.alloc(PAGE_HEADER)
    const roots = [snapshot.main.root, snapshot.free.root].filter((root) => root !== undefined)
    const newest = Math.max(...roots.map((root) => (this.#load(header, root) === undefined ? txnOf(header) : 0)))
    if (newest !== Number(snapshot.txn)) this.#fault(head, `it tells of transaction ${snapshot.txn}, and ${newest} is the last one found`)
  }

  #fault(page: number, why: string): void {
    this.faults.push({ page, why })
    if (this.faults.length >= this.#options.mostFaults) this.ended = true
  }
}
