import assert from 'node:assert/strict'
import { refusal, type GridCase } from './case.ts'

/** Topics: fan-out, in the order of each publisher, to whoever listens. */
export const topicCases: readonly GridCase[] = [
  {
    name: 'every subscriber of every grid gets every message, those of a publisher in order',
    needs: ['topics'],
    async run(bench) {
      const [a, b] = [await bench.open({ id: 'a' }), await bench.open({ id: 'b' })]
      const topics = [a.topic<{ n: number }>('t'), b.topic<{ n: number }>('t')]
      assert.equal(a.topic('t'), topics[0])
      await Promise.all(topics.map((topic) => topic.listening()))
      const told: string[][] = [[], [], []]
      const listening = [topics[0], topics[0], topics[1]]
      for (const [at, topic] of listening.entries()) {
        topic?.subscribe(({ publisher, number, value }) => void told[at]?.push(`${publisher}${number}=${value.n}`))
      }
      for (let n = 1; n <= 5; n++) await Promise.all(topics.map((topic) => topic.publish({ n })))
      await bench.settle()
      for (const one of told) {
        for (const id of ['a', 'b']) assert.deepEqual(one.filter((text) => text.startsWith(id)), [1, 2, 3, 4, 5].map((n) => `${id}${n}=${n}`)) // prettier-ignore
      }
      assert.deepEqual(a.stats().topics, [{ name: 't', published: 5, received: 10, dropped: 0 }])
    },
  },
  {
    name: 'a slow subscriber drops the oldest, counted; the others get all',
    needs: ['topics'],
    async run(bench) {
      const grid = await bench.open()
      const topic = grid.topic<number>('t')
      await topic.listening()
      const told: number[] = []
      const all: number[] = []
      let next = (): void => {}
      const slow = topic.subscribe(
        ({ value }) => {
          told.push(value)
          return new Promise<void>((resolve) => (next = resolve))
        },
        { capacity: 2 },
      )
      topic.subscribe(({ value }) => void all.push(value))
      await topic.publish(1)
      await bench.settle()
      for (const value of [2, 3, 4, 5]) await topic.publish(value)
      for (let n = 0; n < 3; n++) {
        await bench.settle()
        next()
      }
      await bench.settle()
      assert.deepEqual([told, slow.dropped, all], [[1, 4, 5], 2, [1, 2, 3, 4, 5]])
      assert.equal(grid.stats().topics[0]?.dropped, 2)
    },
  },
  {
    name: 'a listener that throws is counted, and the next message comes',
    needs: ['topics'],
    async run(bench) {
      const grid = await bench.open()
      const topic = grid.topic<number>('t')
      await topic.listening()
      const told: number[] = []
      topic.subscribe(({ value }) => {
        told.push(value)
        throw new Error('broken')
      })
      topic.subscribe(async () => {
        throw new Error('broken later')
      })
      await topic.publish(1)
      await topic.publish(2)
      await bench.settle()
      assert.deepEqual([told, grid.guestErrors], [[1, 2], 4])
    },
  },
  {
    name: 'a subscription ends by close, by its signal and with the grid; what is bad is refused',
    needs: ['topics'],
    async run(bench) {
      const [grid, other] = [await bench.open(), await bench.open()]
      const topic = grid.topic<number>('t')
      await topic.listening()
      const told: string[] = []
      const controller = new AbortController()
      const closed = topic.subscribe(() => void told.push('closed'))
      topic.subscribe(() => void told.push('aborted'), { signal: controller.signal })
      topic.subscribe(() => void told.push('before'), { signal: AbortSignal.abort() })
      topic.subscribe(({ value, trace }) => void told.push(`open ${value} ${trace?.spanId}`))
      closed.close()
      controller.abort()
      const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
      await other.topic<number>('t').publish(1, { trace })
      await bench.settle()
      assert.deepEqual(told, [`open 1 ${'b'.repeat(16)}`])
      await assert.rejects(topic.publish(NaN), refusal('BAD_VALUE'))
      await assert.rejects(topic.publish('x'.repeat(2 ** 20) as never), refusal('VALUE_TOO_LARGE', 'a message of topic "t"'))
      assert.throws(() => topic.subscribe(undefined as never), refusal('BAD_OPTION', 'listener is undefined'))
      assert.throws(() => topic.subscribe(() => {}, { capacity: 0 }), refusal('BAD_OPTION', 'capacity is 0'))
      assert.throws(() => grid.topic(''), refusal('BAD_OPTION', 'name of a topic is ""'))
      await grid.close()
      await other.topic<number>('t').publish(2)
      await bench.settle()
      assert.equal(told.length, 1)
      await assert.rejects(topic.publish(1), refusal('CLOSED'))
      assert.throws(() => topic.subscribe(() => {}), refusal('CLOSED'))
    },
  },
]
