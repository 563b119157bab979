import { createBlobs, createDiskBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { isStoreError } from '@stigmergy/grid/store'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as assert from 'uvu/assert'
import { bundleChild } from '../../durable/child-code.ts'
import { readTreeLog, treeAt, type Fate, type TreeRecord } from './tree.ts'

const SHIM = fileURLToPath(new URL('tree-log.c', import.meta.url))
const WRITER = fileURLToPath(new URL('power-child.ts', import.meta.url))
const TOLD = 250

export interface BlobCutOptions {
  readonly level: 'host' | 'process'
  /** `tag`: they are tagged, untagged and collected all the time as well. */
  readonly mode: 'put' | 'tag'
  readonly cuts: number
  readonly random: () => number
  /** Else the flushes of files, or those of directories, are taken for none. @default true */
  readonly honest?: boolean | 'files' | 'directories'
}

/** What was seen of all cuts: blobs that were acknowledged by then, and of them those that were lost or found broken. */
export interface BlobCuts {
  readonly acknowledged: number
  readonly lost: number
  /** Of all that are under a name, acknowledged or not: reading told so. */
  readonly broken: number
}

/**
 * A process puts blobs at that level while all it does to its tree is logged; then the tree is made as each of so many power cuts would leave
 * it, opened, and read whole.
 */
export async function blobCuts(path: string, { level, mode, cuts, random, honest = true }: BlobCutOptions): Promise<BlobCuts> {
  const all = await logOf(path, level, mode, Math.floor(random() * 1e6))
  const isName = (at: string): boolean => !at.includes('/incoming/')
  const log = honest === true ? all : all.filter(({ kind, path: at }) => kind !== 'E' || (honest === 'files') === isName(at))
  const seen = { acknowledged: 0, lost: 0, broken: 0 }
  for (let at = 0; at < cuts; at++) {
    const cut = 10 + Math.floor(random() * (log.length - 10))
    const share = [0, 0.5, 1, random()][at % 4] as number
    const survives = (): Fate => (random() < share ? 'all' : random() < 0.1 ? 'torn' : 'none')
    const place = join(path, `cut-${at}`)
    for (const [file, bytes] of treeAt(log, cut, survives, random)) {
      const to = join(place, relative(join(path, 'tree'), file))
      await mkdir(dirname(to), { recursive: true })
      await writeFile(to, bytes)
    }
    await check(join(place, 'new', 'blobs'), thereIn(log.slice(0, cut)), seen)
    await rm(place, { recursive: true, force: true })
  }
  return seen
}

async function check(path: string, acknowledged: ReadonlySet<string>, seen: { -readonly [Name in keyof BlobCuts]: number }): Promise<void> {
  const blobs = createBlobs(createDiskBytes({ path }), createMemoryTags())
  for (const id of acknowledged) {
    seen.acknowledged += 1
    // A tag takes it back from where a collection has set it aside, and reading compares its bytes with the id.
    await blobs.readAll(id).catch(() => (seen.lost += 1))
  }
  for await (const { id } of blobs.list()) {
    await blobs.readAll(id).catch((error: unknown) => {
      assert.ok(isStoreError(error, 'BLOB_BROKEN'), String(error))
      seen.broken += 1
    })
    // It can be gone on with: put again, it is whole.
  }
  const { id } = await blobs.put(Buffer.from('after'))
  assert.is(Buffer.from(await blobs.readAll(id)).toString(), 'after')
}

async function logOf(path: string, level: string, mode: string, seed: number): Promise<readonly TreeRecord[]> {
  const [shim, log, tree] = [join(path, 'tree-log.so'), join(path, 'tree.log'), join(path, 'tree')]
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', shim, SHIM, '-ldl'])
  await mkdir(tree)
  const code = bundleChild(WRITER)
  const env = { ...process.env, LD_PRELOAD: shim, TREE_LOG: log, TREE_ROOT: tree, FLUSH_US: '1000' }
  // Two directories that are not there yet.
  const child = spawn(process.execPath, [code.file, join(tree, 'new', 'blobs'), level, mode, String(seed)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    lines += chunk.toString().split('there ').length - 1
    if (lines >= TOLD) child.kill('SIGKILL')
  })
  await exited
  code.remove()
  assert.ok(lines >= TOLD, `the writer ended after ${lines} blobs`)
  return readTreeLog(await readFile(log))
}

/** The blobs that were acknowledged by then, and by what keeps them: some tag of theirs stands. */
function thereIn(records: readonly TreeRecord[]): ReadonlySet<string> {
  const text = Buffer.concat(records.filter(({ kind }) => kind === 'A').map(({ bytes }) => bytes)).toString()
  const kept = new Map<string, string>()
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const [what, id = '', ...tag] = line.split(' ')
    if (what === 'there') kept.set(tag.join(' ') || id, id)
    else if (what === 'gone') kept.delete(tag.join(' '))
  }
  return new Set(kept.values())
}
