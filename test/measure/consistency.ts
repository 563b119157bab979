// pnpm measure [--rounds N] [--write]: how often a Hazelcast cluster breaks what only a linearizable one would promise, per kind of
// trouble. Prints a table; with --write also puts it into docs/consistency.md.
import { startCluster } from '@stigmergy/grid/testing'
import { parseArgs } from 'node:util'
import { runHistories, TROUBLES, type HistoryVerdict } from '../../packages/grid/test/chaos/history-run.ts'
import { AS_IN_USE } from '../bench/grid/raw-client.ts'
import { intoDocument } from './into-document.ts'

const KEYS = 60
const SECONDS = 12
/** The others give a silent member up after this. */
const SILENCE_SECONDS = 4

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds is ${values.rounds}: give a whole number from 1 on`)

async function measure(trouble: keyof typeof TROUBLES, seed: number): Promise<HistoryVerdict> {
  await using cluster = await startCluster({ members: 3, maxSilenceSeconds: SILENCE_SECONDS, javaArguments: AS_IN_USE })
  // One client knows only the member in trouble, as a process on the same side of a cut would.
  const lastClientAt = cluster.addresses.at(-1) as string
  // Awaited here: the cluster ends with this block.
  return await runHistories({ cluster, clients: 3, keys: KEYS, seed, lanes: 8, lastClientAt, during: TROUBLES[trouble](SECONDS * 1000) })
}

const rows: string[] = []
for (const trouble of Object.keys(TROUBLES) as (keyof typeof TROUBLES)[]) {
  const verdicts: HistoryVerdict[] = []
  for (let round = 0; round < rounds; round++) verdicts.push(await measure(trouble, 100 * round))
  const sum = (count: (verdict: HistoryVerdict) => number): number => verdicts.reduce((total, verdict) => total + count(verdict), 0)
  const [keys, refuted] = [sum((verdict) => verdict.keys), sum((verdict) => verdict.refuted.length)]
  const share = `${refuted} of ${keys} (${((100 * refuted) / keys).toFixed(1)} %)`
  const cells = [
    trouble,
    sum(({ operations }) => operations),
    sum(({ unknown }) => unknown),
    share,
    sum(({ undecided }) => undecided.length),
  ]
  const session = [sum(({ sessionOperations }) => sessionOperations), sum(({ sessionViolations }) => sessionViolations.length)]
  rows.push(`| ${[...cells, ...session].join(' | ')} |`)
  console.error(rows.at(-1))
  for (const { refuted: found } of verdicts) if (found[0] !== undefined) console.error(found[0].text)
}

const head = [
  '| what happens | `strong` operations | of unknown outcome | keys not linearizable | undecided | `session` operations | steps back |',
  '| --- | --- | --- | --- | --- | --- | --- |',
]
const table = [...head, ...rows].join('\n')
console.log(table)
if (values.write) await intoDocument('consistency.md', 'pnpm measure', table)
