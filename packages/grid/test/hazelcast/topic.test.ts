import { createVirtualClock, isGridError } from '@stigmergy/grid'
import type { Client } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HazelcastTopic } from '../../src/hazelcast/topic.ts'

const test = suite('hazelcast: topics')

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A ring that is played, as the client gives it: the same object each time. */
function open() {
  const messages: Buffer[] = []
  const wake: (() => void)[] = []
  const state = { lost: false }
  const ring = {
    tailSequence: async () => ({ toNumber: () => messages.length - 1 }),
    async add(message: Buffer) {
      messages.push(message)
      for (const each of wake.splice(0)) each()
      if (state.lost) throw new Error('the connection was lost')
    },
    async readMany(from: number) {
      while (messages.length <= from) await new Promise<void>((resolve) => wake.push(resolve))
      const read = messages.slice(from)
      return Object.assign(read, { getNextSequenceToReadFrom: () => ({ toNumber: () => from + read.length }) })
    },
  }
  const client = { getRingbuffer: async () => ring } as unknown as Client
  const received: string[] = []
  const receive = (message: Uint8Array): void => void received.push(String(message))
  const topic = new HazelcastTopic({ name: 't', ring: 't', clock: createVirtualClock(), receive, client: () => client })
  return { topic, client, received, state }
}

test('one that is attached twice to a connection is read once', async () => {
  const { topic, client, received } = open()
  const ended = Promise.all([topic.attach(client), topic.attach(client)])
  await topic.listening()
  for (const message of ['a', 'b', 'c']) await topic.publish(Buffer.from(message))
  await turn()
  void topic.attach(client)
  await turn()
  await topic.publish(Buffer.from('d'))
  await turn()
  assert.equal(received, ['a', 'b', 'c', 'd'])
  topic.close()
  await topic.publish(Buffer.from('e')).catch(() => {})
  void ended
})

test('a message whose answer is lost may be published: that is what its caller is told', async () => {
  const { topic, client, received, state } = open()
  void topic.attach(client)
  await topic.listening()
  state.lost = true
  const error: unknown = await topic.publish(Buffer.from('a')).catch((reason: unknown) => reason)
  await turn()
  assert.ok(isGridError(error, 'OUTCOME_UNKNOWN'), String(error))
  assert.match(error.message, /^publish to "t": the connection was lost, and nobody can say whether it was published/)
  assert.equal(received, ['a'])
  topic.close()
})

test.run()
