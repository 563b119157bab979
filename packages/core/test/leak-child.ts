// Restarts crashing agents with children, timers and subscriptions, and prints what is left of it: run with --expose-gc.
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createMachine, fromCallback, fromObservable, fromPromise, sendTo } from 'xstate'
import { child, createSystem, type AgentRef } from '../src/index.ts'

const clock = createVirtualClock()
const grid = await openGrid({ clock })
const parts = grid.map<number>('parts')
const system = createSystem({ grid, deadLetters: 20, random: () => 0, supervision: { maxRestarts: 1_000_000, backoff: { maxMs: 10 } } })
const api = system.dependency('api', { timeoutMs: 1_000_000 })
let live = 0
const begin = (): (() => void) => {
  live += 1
  return () => void (live -= 1)
}
const leaf = createMachine({ id: 'leaf', invoke: { src: fromCallback(begin) }, after: { 900_000: {} } })
const interval = fromCallback(() => {
  const end = begin()
  // A handle of the event loop, which only its own end clears.
  const timer = setInterval(() => undefined, 1_000_000)
  return () => {
    clearInterval(timer)
    end()
  }
})
const ticks = fromObservable(() => ({
  subscribe: () => ({ unsubscribe: begin() }),
}))
const machine = createMachine({
  id: 'busy',
  types: {} as { events: { type: 'boom' } | { type: 'parts.put' } },
  invoke: [
    { id: 'interval', src: interval, systemId: 'interval' },
    { id: 'leaf', src: leaf, systemId: 'leaf' },
    { id: 'ticks', src: ticks },
    {
      id: 'call',
      src: api.fromPromise(
        ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      ),
    },
    { id: 'promise', src: fromPromise(() => new Promise(() => undefined)) },
  ],
  after: { 800_000: {} },
  on: {
    boom: {
      actions: [
        sendTo('leaf', { type: 'late' }, { delay: 700_000 }),
        () => {
          throw new Error('boom')
        },
      ],
    },
  },
})
await parts.put('p', 1)
const options = { watch: { parts }, needs: { parts: { map: parts, maxAgeMs: 50 } }, mailbox: { attempts: 2 } }
const alone: AgentRef<typeof machine>[] = []
for (let i = 0; i < 5; i++)
  alone.push(
    await system.spawn(machine, { id: `alone-${i}`, durability: i % 2 === 0 ? 'checkpoint' : 'none', retryable: 'all', ...options }),
  )
const children = [0, 1, 2, 3, 4].map((i) => child(machine, { id: `child-${i}`, ...options }))
const tree = await system.supervise({ id: 'tree', strategy: 'one-for-all', children })
for (const agent of alone) agent.watch('child-0')

async function restart(times: number): Promise<number> {
  const before = restarts()
  while (restarts() - before < times) {
    for (const agent of alone) agent.send({ type: 'boom' })
    system.send('child-2', { type: 'boom' })
    await clock.advance(100)
  }
  return restarts() - before
}

const restarts = (): number => alone.reduce((sum, agent) => sum + agent.restarts, tree.restarts)

async function measure() {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    globalThis.gc?.()
  }
  const { active, waiting } = api.stats
  return {
    heap: process.memoryUsage().heapUsed,
    handles: process.getActiveResourcesInfo().length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    timers: clock.pending,
    live,
    calls: active + waiting,
    agents: system.agents.length,
    running: [...system.agents].filter((id) => system.agent(id)?.status === 'running').length,
  }
}

// Until the code is compiled and the bounded rings are full.
await restart(2000)
const before = await measure()
const count = await restart(1000)
const after = await measure()
// What leaks grows in every thousand; what is compiled late grows in one of them.
const heaps = [before.heap, after.heap]
for (let more = 0; more < 2; more++) {
  await restart(1000)
  heaps.push((await measure()).heap)
}
const grown = Math.min(...heaps.slice(1).map((heap, at) => heap - (heaps[at] as number)))
await system.close()
await grid.close()
const end = await measure()
process.stdout.write(JSON.stringify({ count, before, after, grown, end }))
