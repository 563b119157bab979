// pnpm bench NAME [ROW...] [--json] [--write]: runs test/bench/NAME.bench.ts, or some of its rows, and prints what it measured. --write
// also puts all rows into docs/costs.md. No name: says which there are.
import { readdir } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { intoDocument } from '../measure/into-document.ts'
import type { Bench, Row } from './bench.ts'
import { judged } from './limits.ts'

const ENDING = '.bench.ts'

const number = (value: number): string => String(Number(value.toPrecision(4)))

const limitOf = (bench: string, row: Row): string => {
  const limit = judged(bench, row)
  return limit === undefined ? '' : `${limit.limit}x: ${limit.verdict}`
}

const lines = (bench: string, rows: readonly Row[]): string =>
  rows
    .map((row) => {
      const { subject, peer, ratio, min, max, unit, cost, peerCost, verified, cpuRatio } = row
      const limit = limitOf(bench, row)
      return (
        `  ${subject.padEnd(20)} ${number(ratio)}x ${peer} [${number(min)}-${number(max)}], ${number(cost)} against ${number(peerCost)} ${unit}` +
        (cpuRatio === undefined ? '' : `, CPU ${number(cpuRatio)}x`) +
        (limit === '' ? '' : `, limit ${limit}`) +
        (row.note === undefined ? '' : ` (${row.note})`) +
        (verified ? '' : ' NOT VERIFIED')
      )
    })
    .join('\n')

/** The same for a page of the docs. */
const table = (bench: string, rows: readonly Row[]): string =>
  [
    "| what | against | cost over the peer's | least to most | ours and the peer's | CPU | limit |",
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const { subject, peer, ratio, min, max, unit, cost, peerCost, verified, cpuRatio } = row
      const cells = [
        row.note === undefined ? subject : `${subject} (${row.note})`,
        peer,
        verified ? `${number(ratio)}x` : 'NOT VERIFIED',
        `${number(min)} to ${number(max)}`,
        `${number(cost)} and ${number(peerCost)} ${unit}`,
        cpuRatio === undefined ? '' : `${number(cpuRatio)}x`,
        limitOf(bench, row),
      ]
      return `| ${cells.join(' | ')} |`
    }),
  ].join('\n')

const run = async (argv: readonly string[]): Promise<void> => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
  })
  const files = await readdir(import.meta.dirname)
  const known = files
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .toSorted()
  const [name, ...wanted] = positionals
  if (name === undefined || !known.includes(name)) {
    throw new Error(`bench: give one name, and rows of it. Known: ${known.join(', ') || 'none'}`)
  }
  const file = pathToFileURL(join(import.meta.dirname, name + ENDING)).href
  const { bench } = (await import(file)) as { readonly bench: Bench }
  const unknown = wanted.find((row) => bench.rows?.includes(row) !== true)
  if (unknown !== undefined)
    throw new Error(`bench ${name} has no row ${unknown} to run by itself. It has: ${bench.rows?.join(', ') ?? 'none'}`)
  if (values.write && wanted.length > 0) throw new Error('bench: --write takes all rows of a bench, so that no table is of two days')
  const rows = await bench.run((row) => wanted.length === 0 || wanted.includes(row))
  const machine = `node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} processors`
  // One line per row, for programs.
  if (values.json) for (const row of rows) console.log(JSON.stringify({ bench: name, ...row, ...judged(name, row) }))
  else console.log(`${bench.title} (${machine})\n${lines(name, rows)}`)
  if (values.write) await intoDocument('costs.md', `pnpm bench ${name} --write`, `${bench.title} (${machine}).\n\n${table(name, rows)}`)
}

try {
  await run(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
