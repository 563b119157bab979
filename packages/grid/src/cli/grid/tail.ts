import type { CliIo, Command, ExitCode, ParsedArguments } from '../command.ts'
import { GridError, quote } from '../../errors.ts'
import type { SeenChange } from '../../hazelcast/hazelcast-reader.ts'
import { inLine, showStored, showValue, visible } from '../values.ts'
import { knownJournal, knownMap } from './get.ts'
import type { MapsToLookAt } from './reader.ts'
import { TARGET, withTarget } from './target.ts'

export const tail: Command = {
  spec: {
    name: 'tail',
    summary: 'Show the last records of a journal, and follow it if asked to.\nOn a cluster: the last changes of a map.',
    positionals: [TARGET, 'NAME'],
    options: {
      last: { kind: 'count', placeholder: 'N', help: 'begin so many records before the end', defaultText: '10' },
      from: { kind: 'count', placeholder: 'OFFSET', help: 'begin here instead' },
      follow: { kind: 'flag', help: 'wait for more, until Ctrl-C' },
      json: { kind: 'flag', help: 'a JSON object a line, for programs' },
    },
    examples: [
      'stigmergy grid tail /var/lib/cell-7 decisions --follow',
      'stigmergy grid tail /var/lib/cell-7 decisions --from 0 --json',
      'stigmergy grid tail hazelcast://10.0.0.7:5701/cell parts --follow',
    ],
  },
  run: (args, io) =>
    withTarget(args.positional(0), io, async (reader) => {
      const { changes } = reader.maps
      if (changes !== undefined) return tailMap(changes, await knownMap(reader, args.positional(1) ?? ''), args, io)
      const name = knownJournal(reader, args.positional(1) ?? '')
      const journal = reader.journal(name)
      const { first, end } = await journal.extent()
      const from = args.number('from')
      if (from !== undefined && from > end && !args.flag('follow'))
        throw new GridError('BAD_OPTION', `journal ${quote(name)} ends before ${from}: its end is ${end}`)
      let at = from ?? Math.max(first, end - (args.number('last') ?? 10))
      // What is appended while it prints is not waited for, unless it follows.
      let to = end
      for (;;) {
        const records = at < to ? await journal.read(at, { limit: Math.min(256, to - at) }) : []
        for (const { offset, producer, seq, value, wallMs } of records) {
          if (io.signal.aborted) return 130
          const when = new Date(wallMs).toISOString()
          const shown = showValue(value)
          const head = { offset, at: when, producer, seq, bytes: value.length }
          io.out(
            args.flag('json') ? JSON.stringify({ ...head, ...shown }) : visible(`${offset} ${when} ${producer} ${seq}  ${inLine(shown)}`),
          )
          await io.drained()
        }
        at += records.length
        if (records.length > 0 && at < to) continue
        if (!args.flag('follow')) return 0
        if (io.signal.aborted) return 130
        await journal.changed(io.signal)
        to = (await journal.extent()).end
      }
    }),
}

/** The newest changes of a map, and those that come. */
async function tailMap(changes: NonNullable<MapsToLookAt['changes']>, map: string, args: ParsedArguments, io: CliIo): Promise<ExitCode> {
  if (args.number('from') !== undefined) throw new GridError('BAD_OPTION', '--from is for journals: a map has no offsets')
  const told = new Set<string>()
  const tell = (change: SeenChange): void => {
    if (!io.signal.aborted && !told.has(nameOf(change)))
      io.out(args.flag('json') ? JSON.stringify(asObject(change)) : visible(asLine(change)))
  }
  // Listening begins first: what is written while the map is read comes twice rather than not at all.
  const early: SeenChange[] = []
  let hear = (change: SeenChange): unknown => early.push(change)
  const following = args.flag('follow') ? changes.follow(map, (change) => void hear(change), io.signal) : undefined
  following?.catch(() => undefined)
  for (const change of await changes.newest(map, args.number('last') ?? 10)) {
    tell(change)
    told.add(nameOf(change))
  }
  for (const change of early) tell(change)
  hear = tell
  await following
  return io.signal.aborted ? 130 : 0
}

function nameOf(change: SeenChange): string {
  if (change.type === 'unreadable') return ''
  const { key, version } = change.type === 'put' ? change.entry : change
  return `${version} ${key}`
}

function asLine(change: SeenChange): string {
  if (change.type === 'unreadable') return `${change.key} UNREADABLE: ${change.why}`
  if (change.type === 'remove') return `${change.version} remove ${change.key}`
  const { key, version, header, body } = change.entry
  return `${version} put ${key} ${header.writer}  ${inLine(showStored(body))}`
}

function asObject(change: SeenChange): object {
  if (change.type !== 'put') return change
  const { key, version, header, body } = change.entry
  const { writer, ttlMs, trace } = header
  return {
    type: 'put',
    key,
    version,
    writer,
    ttlMs: ttlMs ?? null,
    traceId: trace?.traceId ?? null,
    bytes: body.length,
    ...showStored(body),
  }
}
