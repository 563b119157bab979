// Run by core.bench.ts, on what is built: prints the rows as JSON, and on the error channel how long effects waited.
import type { Row } from '../bench.ts'
import { compare } from '../compare.ts'
import { spawns, stops, stores, weights } from './many.ts'
import { asks, tells, waitOfEffects } from './tell.ts'

const rows: Row[] = [
  ...(await compare(
    tells,
    [
      { subject: 'tell-none', ours: 'tell none', peer: 'tell xstate' },
      { subject: 'tell-none', ours: 'tell none', peer: 'tell nact' },
      { subject: 'tell-checkpoint', ours: 'tell checkpoint', peer: 'tell xstate' },
      { subject: 'tell-gated', ours: 'tell gated', peer: 'tell xstate' },
    ],
    { rounds: 9, unit: 'ns' },
  )),
  ...(await compare(
    asks,
    [
      { subject: 'ask', ours: 'ask ours', peer: 'ask xstate' },
      { subject: 'ask', ours: 'ask ours', peer: 'ask nact' },
    ],
    { rounds: 9, unit: 'us' },
  )),
  ...(await compare(
    spawns,
    [
      { subject: 'spawn', ours: 'spawn ours', peer: 'spawn xstate' },
      { subject: 'spawn', ours: 'spawn ours', peer: 'spawn nact' },
    ],
    { rounds: 9, unit: 'us' },
  )),
  ...(await compare(
    weights,
    [
      { subject: 'bytes', ours: 'bytes ours', peer: 'bytes xstate' },
      { subject: 'bytes', ours: 'bytes ours', peer: 'bytes nact' },
    ],
    { rounds: 9, unit: 'B' },
  )),
  ...(await compare(
    stores,
    [
      { subject: 'checkpoint', ours: 'saveUs ours', peer: 'saveUs xstate' },
      { subject: 'restore', ours: 'restoreUs ours', peer: 'restoreUs xstate' },
      { subject: 'record', ours: 'bytes ours', peer: 'bytes xstate' },
    ],
    { rounds: 9, unit: 'us or B' },
  )),
  ...(await compare(stops, [{ subject: 'stop-10k', ours: 'stop 10k', peer: 'stop 1k' }], { rounds: 9, unit: 'us per agent' })),
]
console.error(waitOfEffects())
console.log(JSON.stringify(rows))
