import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryStore } from '../src/index.ts'
import { add, counter, openBench } from './support.ts'

const test = suite('many agents at one store')

test('a thousand agents may ask the store at one time: nothing warns of it, and nothing stays', async () => {
  const warnings: unknown[] = []
  const warn = (warning: unknown): void => void warnings.push(warning)
  process.on('warning', warn)
  const bench = await openBench({ store: memoryStore() })
  const ids = Array.from({ length: 1000 }, (_, i) => `a${i}`)
  const agents = await Promise.all(ids.map((id) => bench.system.spawn(counter, { id, durability: 'gated' })))
  for (const agent of agents) agent.send(add(1))
  await bench.settle()
  await Promise.all(agents.map((agent) => agent.stop()))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', warn)
  assert.equal(warnings, [])
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test.run()
