import { embedded, openGrid } from '@stigmergy/grid'
import { archiveInBlobs } from '@stigmergy/grid/blobs'
import { openDurable, type Durable } from '@stigmergy/grid/durable'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main } from '../src/main.ts'

export interface Ran {
  readonly code: number
  readonly out: readonly string[]
  readonly err: readonly string[]
  readonly bytes: Buffer
}

/** Runs the program in this process. `onLine` may abort it. */
export async function run(
  args: readonly string[],
  onLine: (line: string, abort: AbortController) => void = () => undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const chunks: Uint8Array[] = []
  const abort = new AbortController()
  const code = await main(args, {
    out(line) {
      out.push(line)
      onLine(line, abort)
    },
    err: (line) => err.push(line),
    write: async (bytes) => void chunks.push(bytes),
    drained: async () => undefined,
    env,
    signal: abort.signal,
  })
  return { code, out, err, bytes: Buffer.concat(chunks) }
}

export const fence = { owner: 'host-1', token: 3 }

async function withMap(path: string): Promise<void> {
  const grid = await openGrid(embedded({ path }))
  const parts = grid.map<{ x: number }>('parts', { ttlMs: 60_000 })
  for (const key of ['p1', 'p2', 'p3']) await parts.put(key, { x: 1.5 })
  await parts.remove('p3')
  await grid.close()
}

/** A directory with a little of everything; `use` gets the open store too. */
export async function inPlace(use: (path: string, durable: Durable) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-cli-'))
  const durable = await openDurable({ path })
  try {
    for (const [at, text] of ['{"x":1}', '{"x":2}'].entries())
      await durable.store.commit('robot-1', at, fence, Buffer.from(text), [Buffer.from(`send ${at}`)])
    await durable.store.commit('planner', 0, fence, Buffer.from([0x81, 0xa1, 0x78, 0x07]))
    await durable.store.commit('picture', 0, fence, Buffer.from([0xff, 0xfe, 0x00]))
    const journal = durable.journal('decisions', { archive: archiveInBlobs(durable.blobs), hotRecords: 10, segmentRecords: 10 })
    for (let seq = 1; seq <= 35; seq++) await journal.append('planner', seq, Buffer.from(`take part ${seq}`))
    await journal.tidy()
    const reader = await journal.reader('billing')
    await reader.next({ limit: 20 })
    await reader.save()
    await journal.close()
    await durable.blobs.tag('policy', '2.3.1', (await durable.blobs.put(Buffer.from('weights'))).id)
    await withMap(path)
    const authority = durable.authority({ pollMs: 5 })
    await authority.acquire('planner', 'host-1', 5000)
    await use(path, durable)
    await authority.close()
  } finally {
    await durable.close()
    await rm(path, { recursive: true, force: true })
  }
}

/** What is in the directory, but for the file in which lmdb notes its readers. */
export async function fingerprint(path: string): Promise<readonly string[]> {
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter((each) => each.isFile() && each.name !== 'lock.mdb')
  const lines = files.map(
    async ({ parentPath, name }) =>
      `${name} ${createHash('sha256')
        .update(await readFile(join(parentPath, name)))
        .digest('hex')}`,
  )
  return (await Promise.all(lines)).toSorted()
}
