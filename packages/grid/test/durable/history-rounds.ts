import { checkLinearizable, describeVerdict, IMPOSSIBLE, registerModel, type Operation, type RegisterInput, type RegisterOutput, type SequentialModel } from '@stigmergy/grid/testing' // prettier-ignore
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { startChild } from './kill-rounds.ts'

const CHILD = fileURLToPath(new URL('history-child.ts', import.meta.url))

type LeaseInput = { readonly do: 'acquire' } | { readonly do: 'release'; readonly fence: number }
interface Lease {
  readonly held: number
  readonly greatest: number
}

/** A lease that never ends by time: an acquire gives a fence greater than all before if it is free, else 0. */
const leaseModel: SequentialModel<Lease, LeaseInput, number> = {
  initial: { held: 0, greatest: 0 },
  step({ held, greatest }, input, output, known) {
    if (input.do === 'release') return held === input.fence ? { held: 0, greatest } : IMPOSSIBLE
    // Nobody learnt its fence: then nobody releases it, and it is held for ever, or it was not given.
    if (!known) return held === 0 ? { held: Infinity, greatest } : { held, greatest }
    if (output === 0) return held === 0 ? IMPOSSIBLE : { held, greatest }
    return held === 0 && (output ?? 0) > greatest ? { held: output ?? 0, greatest: output ?? 0 } : IMPOSSIBLE
  },
}

interface Party {
  readonly child: ChildProcess
  readonly exited: Promise<unknown>
  text: string
}

function start(args: readonly string[]): Party {
  const child = startChild(CHILD, args)
  const party: Party = { child, exited: once(child, 'close'), text: '' }
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (party.text += chunk))
  return party
}

function toHistory(parties: readonly Party[]): Operation[] {
  const operations = new Map<string, Operation>()
  for (const { text } of parties) {
    // The last line may be cut in the middle by a kill.
    for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n').filter(Boolean)) {
      const { n, ...rest } = JSON.parse(line) as { readonly n: string } & Operation
      operations.set(n, { ...(operations.get(n) ?? { output: undefined, returnedAt: undefined }), ...rest })
    }
  }
  return [...operations.values()]
}

/** Three processes at work on the same few keys, one killed and one paused in the middle: what they saw has an order. */
export async function historyRound(path: string, seed: number, random: () => number): Promise<Readonly<Record<string, number>>> {
  const parties = ['a', 'b', 'c'].map((name, at) => start([path, name, String(seed * 10 + at), '80']))
  const [killed, paused] = parties as [Party, Party, Party]
  while (!killed.text.includes('\n')) await once(killed.child.stdout as NonNullable<typeof killed.child.stdout>, 'data')
  paused.child.kill('SIGSTOP')
  await wait(random() * 60)
  paused.child.kill('SIGCONT')
  await wait(random() * 60)
  killed.child.kill('SIGKILL')
  await Promise.all(parties.map(({ exited }) => exited))
  const history = toHistory(parties)
  const of = (kind: string): Operation[] => history.filter(({ key }) => key.startsWith(kind))
  for (const kind of ['map', 'store']) {
    const operations = of(kind) as Operation<RegisterInput<string>, RegisterOutput<string>>[]
    const verdict = checkLinearizable(operations, registerModel<string>())
    assert.is(verdict.kind, 'linearizable', `seed ${seed}, ${kind}: ${describeVerdict(verdict)}`)
  }
  const verdict = checkLinearizable(of('lease') as Operation<LeaseInput, number>[], leaseModel)
  assert.is(verdict.kind, 'linearizable', `seed ${seed}, leases: ${describeVerdict(verdict)}`)
  const unknown = history.filter(({ returnedAt }) => returnedAt === undefined).length
  return { map: of('map').length, store: of('store').length, lease: of('lease').length, unknown }
}
