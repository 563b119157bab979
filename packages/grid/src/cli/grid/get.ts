import { StoreError } from '../../store/errors.ts'
import type { GridReader } from './reader.ts'
import { GridError, quote } from '../../errors.ts'
import type { CliIo, Command, ExitCode, ParsedArguments } from '../command.ts'
import { inLine, showStored, showValue, visible, type ShownValue } from '../values.ts'
import { TARGET, withTarget } from './target.ts'

export const get: Command = {
  spec: {
    name: 'get',
    summary:
      'Show one thing: a record of the store by its id, an entry of a map, a record of a journal by its offset, or a blob.\nValues are shown as text, as what msgpack unpacks, or as base64.',
    positionals: [TARGET, 'ID'],
    options: {
      map: { kind: 'text', placeholder: 'NAME', help: 'ID is a key of this map' },
      journal: { kind: 'text', placeholder: 'NAME', help: 'ID is an offset in this journal' },
      blob: { kind: 'flag', help: 'ID is a blob or a tag, such as policy@^2.3; its bytes go to standard output' },
      revisions: { kind: 'flag', help: 'older revisions of the record as well, newest first' },
      outbox: { kind: 'flag', help: 'what the record has committed to send and not sent yet' },
      raw: { kind: 'flag', help: 'the bytes of the value themselves' },
      json: { kind: 'flag', help: 'JSON, for programs: an object a line' },
    },
    examples: [
      'stigmergy grid get /var/lib/cell-7 robot-3 --revisions',
      'stigmergy grid get /var/lib/cell-7 41 --journal decisions',
      "stigmergy grid get /var/lib/cell-7 'policy@^2.3' --blob > policy.onnx",
    ],
  },
  run: (args, io) => {
    const id = args.positional(1) ?? ''
    if (args.flag('raw') && args.flag('json')) throw new GridError('BAD_OPTION', 'give --raw or --json, not both')
    const kinds = [
      args.flag('blob') && '--blob',
      args.text('map') !== undefined && '--map',
      args.text('journal') !== undefined && '--journal',
    ]
    const given = kinds.filter((kind) => kind !== false)
    if (given.length > 1) throw new GridError('BAD_OPTION', `give ${given.join(' or ')}, not both`)
    return withTarget(args.positional(0), io, (reader) => {
      if (args.flag('blob')) return blob(reader, id, args, io)
      const map = args.text('map')
      if (map !== undefined) return mapEntry(reader, map, id, args, io)
      const journal = args.text('journal')
      return journal === undefined ? record(reader, id, args, io) : journalRecord(reader, journal, id, args, io)
    })
  },
}

async function record(reader: GridReader, id: string, args: ParsedArguments, io: CliIo): Promise<ExitCode> {
  const revisions = await reader.store.revisions(id)
  if (revisions.length === 0) throw new GridError('BAD_OPTION', `there is no record ${quote(id)}: see what there is with inspect`)
  for (const { rev, fence, value } of args.flag('revisions') ? revisions : revisions.slice(0, 1)) {
    const head = { id, rev, owner: fence.owner, fence: fence.token, bytes: value.length }
    await print(head, value, args, io, `${id} revision ${rev}, by ${fence.owner} with fence ${fence.token}, ${value.length} bytes`)
  }
  if (!args.flag('outbox')) return 0
  for (const { seq, value } of await reader.store.outbox(id)) {
    await print({ id, outbox: seq, bytes: value.length }, value, args, io, `${id} outbox ${seq}, ${value.length} bytes`)
  }
  return 0
}

async function mapEntry(reader: GridReader, map: string, key: string, args: ParsedArguments, io: CliIo): Promise<ExitCode> {
  const found = await reader.maps.entry(await knownMap(reader, map), key)
  if (found === undefined) throw new GridError('BAD_OPTION', `map ${quote(map)} has no key ${quote(key)}`)
  const { version, header, body } = found
  const head = {
    map,
    key,
    version,
    writer: header.writer,
    ttlMs: header.ttlMs ?? null,
    traceId: header.trace?.traceId ?? null,
    bytes: body.length,
  }
  await print(head, body, args, io, `${map} ${key} version ${version}, by ${header.writer}, ${body.length} bytes`, showStored)
  return 0
}

async function journalRecord(reader: GridReader, name: string, at: string, args: ParsedArguments, io: CliIo): Promise<ExitCode> {
  const offset = Number(at)
  if (at.trim() === '' || !Number.isSafeInteger(offset) || offset < 0)
    throw new GridError('BAD_OPTION', `ID is ${quote(at)}: give an offset, from 0 on`)
  const [found] = await reader.journal(knownJournal(reader, name)).read(offset, { limit: 1 })
  if (found === undefined) throw new GridError('BAD_OPTION', `journal ${quote(name)} ends before ${offset}: see where with inspect`)
  const { producer, seq, value, wallMs } = found
  const head = { journal: name, offset, producer, seq, at: new Date(wallMs).toISOString(), bytes: value.length }
  await print(head, value, args, io, `${name} ${offset}: ${head.at} ${producer} ${seq}, ${value.length} bytes`)
  return 0
}

async function blob(reader: GridReader, reference: string, args: ParsedArguments, io: CliIo): Promise<ExitCode> {
  if (args.flag('json')) {
    io.out(JSON.stringify(await reader.blobs.stat(reference)))
    return 0
  }
  for await (const chunk of reader.blobs.read(reference, { signal: io.signal })) await io.write(chunk)
  return 0
}

async function print(
  head: object,
  value: Uint8Array,
  args: ParsedArguments,
  io: CliIo,
  line: string,
  show: (bytes: Uint8Array) => ShownValue = showValue,
): Promise<void> {
  if (args.flag('raw')) return io.write(value)
  const shown = show(value)
  if (args.flag('json')) return io.out(JSON.stringify({ ...head, ...shown }))
  io.out(visible(line))
  io.out(`  ${inLine(shown)}`)
}

/** Throws if there is no such map, and names those there are. */
export async function knownMap(reader: GridReader, map: string): Promise<string> {
  const names = await reader.maps.names()
  if (names.includes(map)) return map
  const there = names.length === 0 ? 'is none' : `are ${names.map(quote).join(', ')}`
  throw new GridError('BAD_OPTION', `there is no map ${quote(map)}; there ${there}`)
}

/** Throws if there is no such journal, and names those there are. */
export function knownJournal(reader: GridReader, name: string): string {
  const names = reader.journalNames()
  if (names.includes(name)) return name
  throw new StoreError(
    'BAD_ID',
    `there is no journal ${quote(name)}; there ${names.length === 0 ? 'is none' : `are ${names.map(quote).join(', ')}`}`,
  )
}
