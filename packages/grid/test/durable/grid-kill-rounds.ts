import { embedded, openGrid, type Change, type Grid } from '@stigmergy/grid'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { killHard, startAhead } from './kill-rounds.ts'

const CHILD = fileURLToPath(new URL('grid-child.ts', import.meta.url))

interface Part {
  readonly n: number
  readonly pad: string
}

/**
 * Kills a writing process with signal 9 at a random moment, again and again, while this process watches the map all the time.
 * What was acknowledged is there, whole; the watcher was told every change of every key in order, without a resync.
 */
export async function gridKillRounds(path: string, rounds: number, random: () => number): Promise<{ readonly told: number }> {
  const grid = await openGrid(embedded({ path, pollMs: 20 }), { id: 'watcher' })
  const parts = grid.map<Part>('parts')
  const seen = new Map<string, number>()
  const faults: string[] = []
  const writers = startAhead(CHILD, () => [path, 'w'])
  let told = 0
  parts.watch((change) => note(change, seen, faults))
  try {
    for (let round = 1; round <= rounds; round++) {
      const child = writers.take()
      const exited = once(child, 'exit')
      let text = ''
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      // One that ends before it has written says nothing any more: it must not be waited for.
      const ended = exited.then(([code, signal]) => {
        if (!text.includes(' ')) throw new Error(`round ${round}: the writer ended with ${code ?? signal} before it wrote`)
      })
      while (!text.includes(' ')) await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), ended])
      await wait(random() * 30)
      await killHard(child, exited, `round ${round}: the writer`)
      const lines = text.slice(0, text.lastIndexOf('\n')).split('\n').slice(1)
      const acknowledged = new Map(lines.map((line) => line.split(' ')).map(([key = '', n]) => [key, Number(n)]))
      told += lines.length
      await check(grid, acknowledged, seen, `round ${round}`)
      assert.equal(faults, [], `round ${round}`)
    }
    // A process that comes later finds the same.
    const late = await openGrid(embedded({ path }), { id: 'late' })
    const there = Array.from(late.map<Part>('parts').entries(), ({ key, value, version }) => [key, value.n, version])
    assert.equal(there.toSorted(), Array.from(parts.entries(), ({ key, value, version }) => [key, value.n, version]).toSorted())
    await late.close()
    return { told }
  } finally {
    writers.end()
    await grid.close()
  }
}

function note(change: Change<Part>, seen: Map<string, number>, faults: string[]): void {
  if (change.type !== 'put') {
    faults.push(change.type === 'resync' ? `resync ${change.reason}` : `${change.type} ${change.key}`)
    return
  }
  const { key, value } = change.entry
  const { n, pad } = value
  const last = seen.get(key) ?? 0
  if (n !== last + 1) faults.push(`${key}: ${n} was told after ${last}`)
  if (pad !== `${n} `.repeat(1 + ((n * 37) % 200))) faults.push(`${key} ${n} is half-written`)
  seen.set(key, n)
}

async function check(grid: Grid, acknowledged: ReadonlyMap<string, number>, seen: Map<string, number>, round: string): Promise<void> {
  const parts = grid.map<Part>('parts')
  for (const [key, n] of acknowledged) {
    const found = (await parts.get(key, { consistency: 'strong' }))?.value.n ?? 0
    // One more than acknowledged: committed, and killed before it could say so, and before it could ring.
    assert.ok(found === n || found === n + 1, `${round}: ${key} is at ${found}, acknowledged was ${n}`)
    for (const endMs = performance.now() + 10_000; seen.get(key) !== found; await wait(2)) {
      assert.ok(performance.now() < endMs, `${round}: ${key} is at ${found}, told was ${seen.get(key)}`)
    }
    assert.is(parts.peek(key)?.value.n, found)
  }
}
