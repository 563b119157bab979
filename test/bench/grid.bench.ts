import type { Bench } from './bench.ts'
import { localReads } from './grid/local-read.ts'

const ROUNDS = 11

export const bench: Bench = {
  title: 'The near cache against a Map and against the near cache of hazelcast-client',
  run: async () => localReads(ROUNDS),
}
