import type { Command } from '../command.ts'
import { inLine, showValue } from '../values.ts'
import { knownJournal } from './get.ts'
import { TARGET, withTarget } from './target.ts'

export const tail: Command = {
  spec: {
    name: 'tail',
    summary: 'Show the last records of a journal, and follow it if asked to.',
    positionals: [TARGET, 'JOURNAL'],
    options: {
      last: { kind: 'count', placeholder: 'N', help: 'begin so many records before the end', defaultText: '10' },
      from: { kind: 'count', placeholder: 'OFFSET', help: 'begin here instead' },
      follow: { kind: 'flag', help: 'wait for more, until Ctrl-C' },
      json: { kind: 'flag', help: 'a JSON object a line, for programs' },
    },
    examples: ['stigmergy grid tail /var/lib/cell-7 decisions --follow', 'stigmergy grid tail /var/lib/cell-7 decisions --from 0 --json'],
  },
  run: (args, io) =>
    withTarget(args.positional(0), io, async (reader) => {
      const name = knownJournal(reader, args.positional(1) ?? '')
      const journal = reader.journal(name)
      const { first, end } = await journal.extent()
      let at = args.number('from') ?? Math.max(first, end - (args.number('last') ?? 10))
      // What is appended while it prints is not waited for, unless it follows.
      let to = end
      for (;;) {
        const records = at < to ? await journal.read(at, { limit: Math.min(256, to - at) }) : []
        for (const { offset, producer, seq, value, wallMs } of records) {
          if (io.signal.aborted) return 130
          const when = new Date(wallMs).toISOString()
          const shown = showValue(value)
          const head = { offset, at: when, producer, seq, bytes: value.length }
          io.out(args.flag('json') ? JSON.stringify({ ...head, ...shown }) : `${offset} ${when} ${producer} ${seq}  ${inLine(shown)}`)
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
