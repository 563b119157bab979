import assert from 'node:assert/strict'
import { heardMsAgo, refusal, type GridCase } from './case.ts'

/** The two ages (I4), and the trace that travels with a write. */
export const ageCases: readonly GridCase[] = [
  {
    name: 'the replica age is known once the map has been fed',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.put('k', 1)
      await bench.settle()
      const ageMs = map.ageMs()
      assert.ok(ageMs >= 0 && Number.isFinite(ageMs), `${ageMs}`)
      assert.equal((await map.get('k', { maxAgeMs: ageMs + 10_000 }))?.value, 1)
    },
  },
  {
    name: 'a source ages from its last newer stamp on, by the local clock',
    needs: ['exact-time'],
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m'), b.map<number>('m')]
      await bench.settle()
      assert.equal(map.sourceAgeMs('r1'), Infinity)
      await map.put('r1', 1)
      assert.equal(map.sourceAgeMs('r1'), Infinity, 'a put without stamp is no sign of life')
      await map.put('r1', 1, { source: { epoch: 1, seq: 5 } })
      await bench.settle()
      assert.deepEqual([heardMsAgo(map, 'r1'), heardMsAgo(other, 'r1')], [0, 0])
      await bench.pass(40)
      await map.put('r1', 2, { source: { epoch: 1, seq: 5 } })
      assert.equal(heardMsAgo(map, 'r1'), 40, 'a repeated stamp')
      await map.put('r1', 3, { source: { epoch: 1, seq: 4 } })
      assert.equal(heardMsAgo(map, 'r1'), 40, 'a late stamp')
      await map.put('r1', 4, { source: { epoch: 0, seq: 9 } })
      assert.equal(heardMsAgo(map, 'r1'), 40, 'a stamp of an older epoch')
      await other.put('r1', 5)
      await bench.settle()
      assert.equal(heardMsAgo(map, 'r1'), 40, 'somebody else wrote, without a stamp')
      await map.put('r1', 6, { source: { epoch: 1, seq: 6 } })
      await bench.settle()
      await bench.pass(10)
      assert.deepEqual([heardMsAgo(map, 'r1'), heardMsAgo(other, 'r1')], [10, 10])
      await map.put('r1', 7, { source: { epoch: 2, seq: 0 } })
      await bench.settle()
      assert.deepEqual([heardMsAgo(map, 'r1'), heardMsAgo(other, 'r1')], [0, 0])
    },
  },
  {
    name: 'only the source itself writes its heartbeat, until a new source takes a higher epoch',
    async run(bench) {
      const [a, b] = [await bench.open({ id: 'robot' }), await bench.open({ id: 'ghost' })]
      const [map, ghost] = [a.map<number>('m'), b.map<number>('m')]
      await map.put('r1', 1, { source: { epoch: 3, seq: 1 } })
      await bench.settle()
      const said = refusal('NOT_THE_SOURCE', 'ghost cannot write "r1" of map "m" with epoch 3: epoch 3 belongs to robot')
      await assert.rejects(ghost.put('r1', 2, { source: { epoch: 3, seq: 2 } }), said)
      await assert.rejects(ghost.compareAndSet('r1', 0, 2, { source: { epoch: 3, seq: 2 } }), said)
      await assert.rejects(ghost.put('r1', 2, { source: { epoch: 2, seq: 2 } }), refusal('NOT_THE_SOURCE'))
      assert.equal(map.peek('r1')?.value, 1)
      await ghost.put('r1', 3, { source: { epoch: 4, seq: 0 } })
      await bench.settle()
      await assert.rejects(map.put('r1', 4, { source: { epoch: 3, seq: 9 } }), refusal('NOT_THE_SOURCE'), 'the old source is refused')
      assert.deepEqual(map.peek('r1')?.source, { epoch: 4, seq: 0 })
    },
  },
  {
    name: 'a removed source is gone; one whose entry expired is silent and goes on ageing',
    needs: ['exact-time'],
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const map = a.map<number>('m')
      await map.put('gone', 1, { source: { epoch: 1, seq: 9 } })
      await map.remove('gone')
      assert.equal(map.sourceAgeMs('gone'), Infinity)
      await bench.settle()
      await b.map<number>('m').put('gone', 2, { source: { epoch: 1, seq: 1 } })
      await bench.settle()
      assert.equal(heardMsAgo(map, 'gone'), 0, 'its place is free')
      await map.put('silent', 1, { source: { epoch: 1, seq: 1 }, ttlMs: 50 })
      await bench.pass(80)
      assert.deepEqual([map.peek('silent'), heardMsAgo(map, 'silent')], [undefined, 80])
      await map.put('silent', 1, { source: { epoch: 1, seq: 1 } })
      assert.equal(heardMsAgo(map, 'silent'), 80, 'a repeated stamp')
    },
  },
  {
    name: 'a grid that comes later learns the age of a source, not a fresh start',
    needs: ['exact-time'],
    async run(bench) {
      await (await bench.open()).map<number>('m').put('r1', 1, { source: { epoch: 1, seq: 1 } })
      await bench.pass(300)
      const late = (await bench.open()).map<number>('m')
      await bench.settle()
      assert.equal(heardMsAgo(late, 'r1'), 300)
    },
  },
  {
    name: 'the trace of a write reaches readers and watchers in every grid',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m'), b.map<number>('m')]
      const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
      const running = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 0 }
      // Each key has its own order: two may be told by two members.
      const removed: Record<string, unknown[]> = { running: [], given: [] }
      await bench.settle()
      other.watch((change) => change.type === 'remove' && removed[change.key]?.push(change.trace))
      a.trace.current = running
      await map.put('running', 1)
      await map.put('given', 1, { trace })
      await map.remove('running')
      await map.remove('given', { trace })
      await map.put('running', 2)
      const reused = { ...trace }
      await map.put('given', 2, { trace: reused })
      reused.traceFlags = 0
      a.trace.current = undefined
      await map.put('none', 3)
      await map.remove('running')
      await bench.settle()
      assert.deepEqual(removed, { running: [running, undefined], given: [trace] })
      for (const one of [map, other]) assert.deepEqual([one.peek('given')?.trace, one.peek('none')?.trace], [trace, undefined])
      assert.deepEqual(map.peek('given')?.value, 2)
    },
  },
]
