import type { BlobTag } from '../../blobs/blobs.ts'
import type { TellBroken } from '../../store/tell-broken.ts'
import { visible } from '../values.ts'
import { isDamage } from './damage.ts'
import type { GridReader } from './reader.ts'
import type { Command, ExitCode } from '../command.ts'
import { size, table } from '../table.ts'
import { TARGET, withTarget } from './target.ts'

interface Found {
  readonly path: string
  readonly schemaVersion: number | null
  readonly about: string
  readonly bytes: number | null
  readonly store: { readonly records: number; readonly shown: readonly StoreRow[] }
  readonly maps: Readonly<Record<string, number>>
  readonly leases: readonly { readonly name: string; readonly owner: string | null; readonly fence: number; readonly ttlMs: number }[]
  readonly journals: readonly JournalRow[]
  readonly blobs: { readonly count: number; readonly bytes: number; readonly tags: number; readonly shown: readonly TagRow[] }
  /** What could not be read, and why. */
  readonly damaged: readonly { readonly what: string; readonly why: string }[]
}

interface StoreRow {
  readonly id: string
  readonly rev: number
  readonly owner: string
  readonly fence: number
  readonly bytes: number
}

interface JournalRow {
  readonly name: string
  readonly first: number
  readonly cold: number
  readonly end: number
  readonly readers: Readonly<Record<string, { readonly position: number; readonly lag: number }>>
  readonly producers: Readonly<Record<string, number>>
}

interface TagRow {
  readonly tag: string
  readonly id: string
}

export const inspect: Command = {
  spec: {
    name: 'inspect',
    summary:
      'Show what a durable grid holds: records, maps, leases, journals and how far their readers are, blobs.\nIt only looks, also while others write. Exit code 1 says that something is damaged: the rest is shown.',
    positionals: [TARGET],
    options: {
      limit: { kind: 'count', placeholder: 'N', help: 'how many records, and how many tags, to list', defaultText: '20' },
      prefix: { kind: 'text', placeholder: 'TEXT', help: 'only records whose id begins so' },
      json: { kind: 'flag', help: 'one JSON object, for programs' },
    },
    examples: [
      'stigmergy grid inspect /var/lib/cell-7',
      'stigmergy grid inspect /var/lib/cell-7 --prefix robot- --json',
      'stigmergy grid inspect hazelcast://10.0.0.7:5701/cell',
    ],
  },
  run: (args, io) =>
    withTarget(args.positional(0), io, async (reader): Promise<ExitCode> => {
      const found = await look(reader, args.positional(0) ?? '', args.number('limit') ?? 20, args.text('prefix') ?? '')
      if (args.flag('json')) io.out(JSON.stringify(found))
      else for (const line of lines(found)) io.out(visible(line))
      return found.damaged.length === 0 ? 0 : 1
    }),
}

/** Records that are asked for at a time, where they are in another process. */
const AT_ONCE = 64

async function look(reader: GridReader, path: string, limit: number, prefix: string): Promise<Found> {
  let records = 0
  const shown: StoreRow[] = []
  const damaged: Found['damaged'][number][] = []
  const broken: TellBroken = (what, { message: why }) => void damaged.push({ what, why })
  // By ids, not by a scan: one that cannot be read must not hide the others.
  let asked: Promise<StoreRow | undefined>[] = []
  const answered = async (): Promise<void> => {
    for (const row of await Promise.all(asked)) {
      if (row === undefined) continue
      records += 1
      if (shown.length < limit) shown.push(row)
    }
    asked = []
  }
  for await (const id of reader.ids()) {
    if (id.startsWith(prefix)) asked.push(ask(id))
    if (asked.length === AT_ONCE) await answered()
  }
  await answered()

  /** Undefined if it was deleted, or is damaged. */
  async function ask(id: string): Promise<StoreRow | undefined> {
    try {
      const record = await reader.store.get(id)
      return record && { id, rev: record.rev, owner: record.fence.owner, fence: record.fence.token, bytes: record.value.length }
    } catch (error) {
      if (!isDamage(error)) throw error
      broken(`record ${id}`, error)
      return undefined
    }
  }

  const journals = reader.journals(broken).map(({ name, first, cold, end, readers, producers }) => ({
    name,
    first,
    cold,
    end,
    readers: Object.fromEntries(Array.from(readers, ([each, position]) => [each, { position, lag: end - position }])),
    producers: Object.fromEntries(producers),
  }))
  const blobs = { count: 0, bytes: 0 }
  for await (const blob of reader.blobs.list()) {
    blobs.count += 1
    blobs.bytes += blob.size
  }
  const tags: BlobTag[] = []
  for await (const tag of reader.tags(broken)) tags.push(tag)
  const leases: Found['leases'][number][] = []
  for await (const { name, owner, fence, ttlMs } of reader.leases(broken)) leases.push({ name, owner: owner ?? null, fence, ttlMs })
  const maps: (readonly [string, number])[] = []
  for (const name of await reader.maps.names()) {
    maps.push([name, await reader.maps.count(name, broken)])
  }
  return {
    path,
    about: reader.about,
    schemaVersion: reader.schemaVersion,
    bytes: reader.bytes,
    store: { records, shown },
    // Also a map that is named as a property every object has.
    maps: Object.fromEntries(maps),
    leases,
    journals,
    damaged,
    blobs: { ...blobs, tags: tags.length, shown: tags.slice(0, limit).map(({ name, version, id }) => ({ tag: `${name}@${version}`, id })) },
  }
}

function lines({ path, about, store, maps, leases, journals, blobs, damaged }: Found): readonly string[] {
  const indent = (rows: readonly (readonly string[])[]): readonly string[] =>
    table(rows.map((row) => row.map(visible))).map((line) => `  ${line}`)
  const more = (all: number, shown: number): readonly string[] => (all > shown ? [`  ... and ${all - shown} more (see --limit)`] : [])
  const told = [`${path}: ${about}`, '', `store: ${count(store.records, 'record')}`]
  if (store.shown.length > 0) {
    const rows = store.shown.map(({ id, rev, owner, fence, bytes: each }) => [id, String(rev), owner, String(fence), size(each)])
    told.push(...indent([['id', 'rev', 'owner', 'fence', 'size'], ...rows]), ...more(store.records, store.shown.length))
  }
  told.push('', `maps: ${Object.keys(maps).length}`)
  if (Object.keys(maps).length > 0)
    told.push(...indent([['name', 'entries'], ...Object.entries(maps).map(([name, entries]) => [name, String(entries)])]))
  told.push('', `leases: ${leases.length}`)
  if (leases.length > 0) {
    const rows = leases.map(({ name, owner, fence, ttlMs }) => [name, owner ?? '(free)', String(fence), `${ttlMs} ms`])
    told.push(...indent([['name', 'last owner', 'fence', 'time'], ...rows]))
  }
  told.push('', `journals: ${journals.length}`)
  for (const { name, first, cold, end, readers, producers } of journals) {
    const inBlobs = cold > first ? `, ${cold - first} of them in blobs` : ''
    told.push(
      `  ${name}: ${count(end - first, 'record')}, offsets ${first} to ${end}${inBlobs}; ${count(Object.keys(producers).length, 'producer')}`,
    )
    const rows = Object.entries(readers).map(([reader, { position, lag }]) => [reader, String(position), String(lag)])
    if (rows.length > 0)
      told.push(...indent([['  reader', 'position', 'lag'], ...rows.map(([each = '', ...rest]) => [`  ${each}`, ...rest])]))
  }
  told.push('', `blobs: ${blobs.count}, ${size(blobs.bytes)}; ${count(blobs.tags, 'tag')}`)
  if (blobs.shown.length > 0) {
    told.push(...indent([['tag', 'id'], ...blobs.shown.map(({ tag, id }) => [tag, id])]), ...more(blobs.tags, blobs.shown.length))
  }
  if (damaged.length > 0) told.push('', ...damaged.map(({ what, why }) => `DAMAGED ${what}: ${why}`))
  return told
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
