// pnpm bench NAME [ROW...] [--json]: runs test/bench/NAME.bench.ts, or some of its rows, and prints what it measured. No name: says
// which there are.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { Bench, Row } from './bench.ts'

const ENDING = '.bench.ts'

const number = (value: number): string => value.toPrecision(4)

const table = (rows: readonly Row[]): string =>
  rows
    .map(
      ({ subject, peer, ratio, min, max, unit, cost, peerCost, verified, cpuRatio }) =>
        `  ${subject.padEnd(20)} ${number(ratio)}x ${peer} [${number(min)}-${number(max)}], ${number(cost)} against ${number(peerCost)} ${unit}` +
        (cpuRatio === undefined ? '' : `, CPU ${number(cpuRatio)}x`) +
        (verified ? '' : ' NOT VERIFIED'),
    )
    .join('\n')

const run = async (argv: readonly string[]): Promise<void> => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
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
  const rows = await bench.run((row) => wanted.length === 0 || wanted.includes(row))
  const machine = `node ${process.version}, ${process.platform} ${process.arch}`
  // One line per row, for programs.
  if (values.json) for (const row of rows) console.log(JSON.stringify({ bench: name, ...row }))
  else console.log(`${bench.title} (${machine})\n${table(rows)}`)
}

try {
  await run(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
