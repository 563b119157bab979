import type { Bench } from './bench.ts'
import { freshness } from './grid/freshness.ts'
import { localReads } from './grid/local-read.ts'
import { writeRows } from './grid/write.ts'

const ROUNDS = 11

export const bench: Bench = {
  title:
    'The grid against a Map and against hazelcast-client: its near cache, its entry listener (median of 200 writes), its pipelined set',
  run: async () => [
    ...(await localReads(ROUNDS)),
    ...(await freshness(1, ROUNDS)),
    ...(await freshness(3, ROUNDS)),
    ...(await writeRows(1, ROUNDS)),
    ...(await writeRows(3, ROUNDS)),
  ],
}
