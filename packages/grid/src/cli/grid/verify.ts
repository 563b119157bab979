import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { archiveName } from '../../blobs/blob-archive.ts'
import type { GridReader } from './reader.ts'
import { isStoreError } from '../../store/errors.ts'
import type { CliIo, Command, ExitCode, ParsedArguments } from '../command.ts'
import { visible } from '../values.ts'
import { TARGET, withTarget } from './target.ts'

/** Entries that are asked for at a time, where they are in another process. */
const AT_ONCE = 100

interface Checked {
  readonly records: number
  readonly entries: number
  readonly journalRecords: number
  readonly blobs: number
  readonly tags: number
  /** Records of journals whose archive is not of this place: they were not read. */
  readonly elsewhere: number
  readonly damaged: readonly Damage[]
}

interface Damage {
  readonly what: string
  readonly why: string
}

export const verify: Command = {
  spec: {
    name: 'verify',
    summary:
      'Read everything and say what is damaged: check sums of rows, holes in journals, bytes of blobs, tags to nothing.\nIt only looks. Exit code 1 says that something is damaged.',
    positionals: [TARGET],
    options: { json: { kind: 'flag', help: 'one JSON object, for programs' } },
    examples: ['stigmergy grid verify /var/lib/cell-7'],
  },
  async run(args, io) {
    const place = args.positional(0)
    const pages = await brokenPages(place ?? '')
    if (pages.length > 0) return tell({ ...NOTHING, damaged: pages }, args, io)
    return withTarget(place, io, async (reader) => tell(await check(reader, io), args, io))
  },
}

const NOTHING = { records: 0, entries: 0, journalRecords: 0, blobs: 0, tags: 0, elsewhere: 0 }

/** Looked for before anything is read with lmdb, which trusts its pages: a bad one would end the process without a word. */
async function brokenPages(place: string): Promise<readonly Damage[]> {
  const file = join(place, 'data.mdb')
  if (!existsSync(file)) return []
  const { pageFaults } = await import('../../durable/lmdb-walk.ts')
  // A file that cannot be opened, or has no header, is told of by whoever opens it next.
  const faults = await pageFaults(file).catch(() => [])
  return faults.map(({ page, why }) => ({ what: `page ${page} of ${file}`, why }))
}

function tell(found: Checked, args: ParsedArguments, io: CliIo): ExitCode {
  const { records, entries, journalRecords, blobs, tags, elsewhere, damaged } = found
  if (args.flag('json')) io.out(JSON.stringify(found))
  else {
    io.out(`read ${records} records, ${entries} entries of maps, ${journalRecords} records of journals, ${blobs} blobs, ${tags} tags`)
    if (elsewhere > 0) io.out(`not read: ${elsewhere} records of journals, which lie in an archive elsewhere`)
    for (const { what, why } of damaged) io.out(visible(`DAMAGED ${what}: ${why}`))
    io.out(damaged.length === 0 ? 'all is well' : `${damaged.length} damaged`)
  }
  return damaged.length === 0 ? 0 : 1
}

async function check(reader: GridReader, { signal }: CliIo): Promise<Checked> {
  const damaged: Damage[] = []
  const counts = { ...NOTHING }

  /** One damaged thing must not hide the next. */
  async function trying(what: string, work: () => Promise<void>): Promise<void> {
    signal.throwIfAborted()
    try {
      await work()
    } catch (error) {
      signal.throwIfAborted()
      broken(what, error as Error)
    }
  }

  /** Once, however many ways lead to it. */
  function broken(what: string, { message: why }: Error): void {
    if (!damaged.some((each) => each.what === what)) damaged.push({ what, why })
  }

  for await (const id of reader.ids()) {
    await trying(`record ${id}`, async () => {
      await reader.store.revisions(id)
      await reader.store.outbox(id)
      counts.records += 1
    })
  }
  for (const map of await reader.maps.names()) {
    await trying(`map ${map}`, async () => {
      const keys = await reader.maps.keys(map, broken)
      for (let at = 0; at < keys.length; at += AT_ONCE) await Promise.all(keys.slice(at, at + AT_ONCE).map((key) => readEntry(map, key)))
    })
  }
  await trying('leases', async () => {
    for await (const lease of reader.leases(broken)) void lease
  })
  await trying('journals', async () => void reader.journals(broken))
  for (const name of reader.journalNames()) await trying(`journal ${name}`, () => readJournal(name))
  for await (const { id } of reader.blobs.list()) {
    await trying(`blob ${id}`, async () => {
      try {
        for await (const chunk of reader.blobs.read(id, { signal })) void chunk
        counts.blobs += 1
      } catch (error) {
        // Collected since it was listed.
        if (!isStoreError(error, 'BLOB_MISSING')) throw error
      }
    })
  }
  await trying('tags', async () => {
    for await (const { name, version, id } of reader.tags(broken)) {
      counts.tags += 1
      await trying(`tag ${name}@${version}`, async () => {
        await reader.blobs.stat(id)
      })
    }
  })

  async function readEntry(map: string, key: string): Promise<void> {
    await trying(`${key} of map ${map}`, async () => {
      if ((await reader.maps.entry(map, key)) !== undefined) counts.entries += 1
    })
  }

  /** Has this place ever been the archive of the journal? A journal's archive may be any bucket, and nothing here says which. */
  async function archivedHere(name: string): Promise<boolean> {
    return (await reader.blobs.tags(archiveName(name))).length > 0
  }

  async function readJournal(name: string): Promise<void> {
    const journal = reader.journal(name)
    const { first, end } = await journal.extent()
    let at = first
    // Up to here part by part: one that is damaged must not hide the others.
    let carefulTo = first
    while (at < end) {
      signal.throwIfAborted()
      const to = Math.min(end, at < carefulTo ? (journal.nextPart(at) ?? end) : at + 1024)
      try {
        const records = await journal.read(at, { limit: to - at })
        at += records.length
        counts.journalRecords += records.length
      } catch (error) {
        signal.throwIfAborted()
        // Retention went on meanwhile.
        if (isStoreError(error, 'JOURNAL_TRIMMED')) at = Math.max(at, (await journal.extent()).first)
        else if (at >= carefulTo) carefulTo = to
        else if (isStoreError(error, 'BLOB_MISSING') && !(await archivedHere(name))) {
          counts.elsewhere += to - at
          at = to
        } else {
          broken(`journal ${name} from ${at} to ${to - 1}`, error as Error)
          at = to
        }
      }
    }
  }

  return { ...counts, damaged }
}
