import type { Bench, Row } from './bench.ts'
import { freshness } from './grid/freshness.ts'
import { iterations, localReads } from './grid/local-read.ts'
import { hotRows, writeRows } from './grid/write.ts'

const ROUNDS = 11

const ROWS: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  'local-read': () => localReads('local-read', ROUNDS),
  'local-read-ttl': () => localReads('local-read-ttl', ROUNDS),
  iterate: () => iterations(ROUNDS),
  'freshness-1': () => freshness(1, ROUNDS),
  'freshness-3': () => freshness(3, ROUNDS),
  'write-1': () => writeRows(1, ROUNDS),
  'write-3': () => writeRows(3, ROUNDS),
  'write-hot': () => hotRows(ROUNDS),
}

export const bench: Bench = {
  title:
    'The grid against a Map and against hazelcast-client: its near cache, its entry listener (median of 200 writes), its pipelined set',
  rows: Object.keys(ROWS),
  async run(wanted) {
    const rows: Row[] = []
    for (const [name, measure] of Object.entries(ROWS)) if (wanted(name)) rows.push(...(await measure()))
    return rows
  },
}
