import { openGrid, type Change } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { killHard, startAhead, type startChild } from './kill-rounds.ts'

const CHILD = fileURLToPath(new URL('joint-child.ts', import.meta.url))
const IDS = 3

interface State {
  readonly n: number
  readonly pad: string
}

interface Writer {
  readonly told: ReadonlyMap<string, number>
  readonly acknowledged: number
  /** Resolves when it has told so many more. */
  more(count: number): Promise<void>
  kill(): Promise<void>
}

/**
 * Two processes write the same records and entries, each number to both in one transaction; one of them is killed with signal 9 at a random
 * moment, again and again. At each end the store and the map hold the same number, whole, and all that was acknowledged; this process
 * watches the map all the time and is told every number, in order, without a resync.
 */
export async function jointRounds(path: string, rounds: number, random: () => number): Promise<{ readonly acknowledged: number }> {
  const durable = await openDurable({ path, pollMs: 20 })
  const grid = await openGrid(durable.backend, { id: 'watcher' })
  const states = grid.map<State>('states')
  const seen = new Map<string, number>()
  const faults: string[] = []
  states.watch((change) => note(change, seen, faults))
  const ahead = startAhead(CHILD, () => [path, String(IDS)])
  let acknowledged = 0
  try {
    for (let round = 1; round <= rounds; round++) {
      const writers = [0, 1].map(() => startWriter(ahead.take()))
      await Promise.all(writers.map((writer) => writer.more(3)))
      await wait(random() * 30)
      const [first, second] = writers as [Writer, Writer]
      await first.kill()
      // The other one goes on, over what the killed one left.
      await second.more(3)
      await second.kill()
      for (const writer of writers) acknowledged += writer.acknowledged
      for (let at = 0; at < IDS; at++) {
        const id = `agent-${at}`
        const stored = await durable.store.get(id)
        const entry = await states.get(id, { consistency: 'strong' })
        const least = Math.max(...writers.map(({ told }) => told.get(id) ?? 0))
        assert.is(entry?.value.n ?? 0, stored?.rev ?? 0, `round ${round}: ${id}: one without the other`)
        assert.ok((stored?.rev ?? 0) >= least, `round ${round}: ${id} is at ${stored?.rev}, acknowledged was ${least}`)
        assert.is(Buffer.from(stored?.value ?? []).toString(), `${entry?.value.n} ${entry?.value.pad}`)
        for (const endMs = performance.now() + 10_000; seen.get(id) !== stored?.rev; await wait(2)) {
          assert.ok(performance.now() < endMs, `round ${round}: ${id} is at ${stored?.rev}, told was ${seen.get(id)}`)
        }
      }
      assert.equal(faults, [], `round ${round}`)
    }
    return { acknowledged }
  } finally {
    ahead.end()
    await grid.close()
    await durable.close()
  }
}

function startWriter(child: ReturnType<typeof startChild>): Writer {
  const exited = once(child, 'exit')
  const told = new Map<string, number>()
  let acknowledged = 0
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines.filter((each) => each !== 'open')) {
      const [id = '', n = ''] = line.split(' ')
      told.set(id, Number(n))
      acknowledged += 1
    }
  })
  return {
    told,
    get acknowledged() {
      return acknowledged
    },
    async more(count) {
      const wanted = acknowledged + count
      while (acknowledged < wanted) {
        assert.ok(child.exitCode === null, `a writer ended by itself, with ${child.exitCode}`)
        await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), exited])
      }
    },
    kill: () => killHard(child, exited, 'a writer'),
  }
}

function note(change: Change<State>, seen: Map<string, number>, faults: string[]): void {
  if (change.type !== 'put') {
    faults.push(change.type === 'resync' ? `resync ${change.reason}` : `${change.type} ${change.key}`)
    return
  }
  const { key, value } = change.entry
  const last = seen.get(key) ?? 0
  if (value.n !== last + 1) faults.push(`${key}: ${value.n} was told after ${last}`)
  if (value.pad !== `${value.n} `.repeat(1 + ((value.n * 37) % 200))) faults.push(`${key} ${value.n} is half-written`)
  seen.set(key, value.n)
}
