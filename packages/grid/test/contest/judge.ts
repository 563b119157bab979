import { checkLinearizable, describeVerdict, type Operation } from '@stigmergy/grid/testing'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { startChild } from '../durable/kill-rounds.ts'
import { CONTESTANTS } from './contest.ts'
import { leaseModel, storeModel, type LeaseInput, type LeaseOutput, type StoreInput, type StoreOutput } from './model.ts'

const CHILD = fileURLToPath(new URL('contest-child.ts', import.meta.url))

/** Starts processes that contest over one place: see contest-child.ts. */
export function contestant(kind: 'lmdb' | 's3' | 'cp', place: string, rounds: number): (owner: string) => ChildProcess {
  return (owner) => startChild(CHILD, [kind, place, owner, String(rounds)])
}

interface Line extends Omit<Operation, 'returnedAt'> {
  readonly kind: 'store' | 'lease'
  readonly returnedAt: number | null
}

/** Runs processes that `contest`, and judges the history of all of them. Returns what was in it. */
export async function judge(start: (owner: string) => ChildProcess) {
  const owners = Array.from({ length: CONTESTANTS }, (_, at) => `process-${at}`)
  const told = await Promise.all(owners.map((owner) => linesOf(start(owner))))
  const lines = told.flat()
  const of = <I, O>(kind: Line['kind']): Operation<I, O>[] =>
    lines.filter((line) => line.kind === kind).map((line) => ({ ...line, returnedAt: line.returnedAt ?? undefined }) as Operation<I, O>)
  const leases = of<LeaseInput, LeaseOutput>('lease')
  const commits = of<StoreInput, StoreOutput>('store')
  for (const verdict of [checkLinearizable(leases, leaseModel), checkLinearizable(commits, storeModel)]) {
    assert.is(describeVerdict(verdict as never), 'linearizable')
  }
  const count = (which: readonly Operation[], wanted: (output: unknown, input: unknown) => boolean): number =>
    which.filter(({ output, input }) => wanted(output, input)).length
  return {
    operations: lines.length,
    taken: count(leases, (output) => typeof output === 'number'),
    refused: count(commits, (output) => typeof output === 'string'),
    committed: count(commits, (output, input) => typeof output === 'number' && (input as StoreInput).do === 'commit'),
    unknown: lines.filter(({ returnedAt }) => returnedAt === null).length,
  }
}

async function linesOf(child: ChildProcess): Promise<readonly Line[]> {
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.is(code, 0, 'the process ended well')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}
