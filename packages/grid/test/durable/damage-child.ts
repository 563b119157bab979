// Opens each directory that is named on its input, reads all there is and compares it with what was written, then writes. Prints one line
// of JSON for each: what went wrong, as errors, and what was wrong though nobody said so.
import { openDurable, openDurableReader } from '@stigmergy/grid/durable'
import { isGridError, openGrid } from '@stigmergy/grid'
import { isStoreError } from '@stigmergy/grid/store'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { tell } from './tell.ts'
import type { DamageSeen, DamageWritten } from './damage-rounds.ts'

const written = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as DamageWritten

/** What a reader sees. An error is an answer, a wrong value is not. */
class Looking {
  readonly errors: string[] = []
  readonly wrong: string[] = []

  async at<T>(what: string, expected: T, read: () => T | Promise<T>): Promise<void> {
    try {
      const found = await read()
      if (JSON.stringify(found) !== JSON.stringify(expected)) this.wrong.push(`${what}: ${differing(expected, found)}`)
    } catch (error) {
      this.failed(error)
    }
  }

  failed(error: unknown): void {
    const typed = isStoreError(error) || isGridError(error)
    if (typed) this.errors.push(`${error.code} ${error.message}`)
    else this.wrong.push(`raw error: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('latin1')

/** Of lists, what only one of them has. */
function differing(expected: unknown, found: unknown): string {
  if (!Array.isArray(expected) || !Array.isArray(found)) return `${short(expected)} was written, and ${short(found)} is read`
  const [lacks, more] = [expected.filter((each) => !found.includes(each)), found.filter((each) => !expected.includes(each))]
  return `${expected.length} were written and ${found.length} are read: it lacks ${short(lacks)}, and has ${short(more)} besides`
}

const short = (value: unknown): string => JSON.stringify(value)?.slice(0, 200) ?? 'nothing'

async function look(path: string, seen: Looking): Promise<void> {
  const reader = await openDurableReader(path)
  try {
    for (const [id, value] of written.records) await seen.at(id, value, async () => text((await reader.store.get(id))?.value))
    await seen.at(
      'all ids',
      written.records.map(([id]) => id),
      async () => {
        const ids: string[] = []
        for await (const { id } of reader.store.scan()) ids.push(id)
        return ids
      },
    )
    for (const [key, version] of written.entries) await seen.at(key, version, () => reader.maps.entry('parts', key)?.version)
    await seen.at(
      'all keys',
      written.entries.map(([key]) => key),
      () => reader.maps.keys('parts'),
    )
    await seen.at('the journal', written.journal, async () =>
      (await reader.journal('decisions').read(0)).map(({ value }) => text(value) ?? ''),
    )
    await seen.at('leases', 1, () => reader.leases().length)
    await seen.at('the tag', '1.0.0', async () => (await reader.blobs.resolve('policy')).version)
  } finally {
    await reader.close()
  }
}

async function write(path: string, seen: Looking): Promise<void> {
  const durable = await openDurable({ path, timeoutMs: 5000 })
  try {
    const grid = await openGrid(durable.backend)
    const parts = grid.map<number>('parts')
    for (const [id, value] of written.records) await seen.at(id, value, async () => text((await durable.store.get(id))?.value))
    let committed = false
    await seen.at('a commit', 1, async () => {
      const rev = await durable.store.commit('one-more', 0, { owner: 'a', token: 1 }, Buffer.alloc(20_000, 7))
      committed = true
      return rev
    })
    // What was refused is not there.
    await seen.at('the commit', committed ? 20_000 : undefined, async () => (await durable.store.get('one-more'))?.value.length)
    await seen.at('a put', undefined, async () => void (await parts.put('one-more', 1)))
    for (const [id, value] of written.records)
      await seen.at(`${id} after it`, value, async () => text((await durable.store.get(id))?.value))
    await grid.close()
  } finally {
    await durable.close()
  }
}

for await (const path of createInterface({ input: process.stdin })) {
  const seen = new Looking()
  for (const use of [look, write]) await use(path, seen).catch((error: unknown) => seen.failed(error))
  tell(JSON.stringify({ errors: seen.errors, wrong: seen.wrong } satisfies DamageSeen))
}
