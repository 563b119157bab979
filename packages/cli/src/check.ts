import { checkStore, isCoreError, type StoreCheck } from '@stigmergy/core'
import { GridError } from '@stigmergy/grid'
import { TARGET, table, withTarget, type Command, type GridReader } from '@stigmergy/grid/cli'
import { loadKinds } from './kinds-module.ts'

const PROGRAM = 'stigmergy check'

/** Before a deploy: which stored agents could the new program not resume? */
export const check: Command = {
  spec: {
    name: 'check',
    summary: [
      'Try, before a deploy, whether a new program can resume every stored agent.',
      'Each state is read, migrated and restored; no agent runs, and the store is only looked at, also while others write.',
      'MODULE is an ES module of the new program: `export const kinds = [{ machine, type, migrations }]`, as given to `spawn`.',
      'Exit code 1 says that some could not be resumed: each is listed with its type, its stored version and why.',
    ].join('\n'),
    positionals: [TARGET],
    options: {
      machines: { kind: 'text', placeholder: 'MODULE', help: 'path of the module that exports `kinds`; it is run' },
      prefix: { kind: 'text', placeholder: 'TEXT', help: 'only ids that begin so' },
      skip: { kind: 'text', placeholder: 'A,B', help: 'not the ids that begin so: records of audits and kept maps are no agents' },
      limit: { kind: 'count', placeholder: 'N', help: 'how many failures to list', defaultText: '100' },
      json: { kind: 'flag', help: 'one JSON object, for programs' },
    },
    examples: [
      'stigmergy check /var/lib/cell-7 --machines dist/kinds.js',
      'stigmergy check /var/lib/cell-7 --machines dist/kinds.js --skip audit/,parts/ --json',
    ],
  },
  async run(args, io) {
    const module = args.text('machines')
    if (module === undefined) {
      const wants = 'give an ES module that exports `kinds`'
      throw new GridError('BAD_OPTION', `${PROGRAM}: --machines is missing: ${wants} (see: ${PROGRAM} --help)`)
    }
    const skip = args.text('skip')?.split(',') ?? []
    // Such a prefix would leave out all, and nothing checked looks like nothing wrong.
    if (skip.includes(''))
      throw new GridError('BAD_OPTION', `${PROGRAM}: --skip is '${skip.join(',')}': give prefixes with a comma between`)
    const options = { prefix: args.text('prefix') ?? '', skip, limit: args.number('limit') ?? 100, signal: io.signal }
    const kinds = await loadKinds(module, io.signal)
    return withTarget(args.positional(0), io, async (reader) => {
      const found = await checkStore(reader.store, kinds, options).catch((error: unknown) => {
        throw isCoreError(error, 'BAD_OPTION') ? new GridError('BAD_OPTION', `${JSON.stringify(module)}: ${error.message}`) : error
      })
      if (args.flag('json')) io.out(JSON.stringify(asJson(args.positional(0) ?? '', found)))
      else for (const line of lines(args.positional(0) ?? '', reader, found)) io.out(line)
      return found.failed === 0 ? 0 : 1
    })
  },
}

function asJson(path: string, { checked, forgotten, failed, failures }: StoreCheck): object {
  const shown = failures.map(({ id, type, version, error }) => ({
    id,
    type: type ?? null,
    version: version ?? null,
    code: 'code' in error ? error.code : null,
    why: error.message,
  }))
  return { path, checked, forgotten, failed, failures: shown }
}

function lines(path: string, { about }: GridReader, { checked, forgotten, failed, failures }: StoreCheck): readonly string[] {
  const told = [`${path}: ${about}`, `agents: ${checked} tried, ${forgotten} forgotten (without a state)`]
  if (failed === 0) return [...told, 'all can be resumed']
  const rows = failures.map(({ id, type, version, error }) => [id, type ?? '?', version ?? '-', error.message.replaceAll(/\s+/g, ' ')])
  if (rows.length > 0) told.push(...table([['id', 'type', 'version', 'why'], ...rows]).map((line) => `  ${line}`))
  if (failed > rows.length) told.push(`  ... and ${failed - rows.length} more (see --limit)`)
  return [...told, `${failed} cannot be resumed`]
}
