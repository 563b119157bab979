// A process that is drained on SIGTERM while an agent works on what waits for it and a promise is under way.
import { openGrid } from '@stigmergy/grid'
import { createMachine, fromPromise } from 'xstate'
import { createSystem, drainOnSignal } from '../src/index.ts'

const hang = process.argv[2] === 'hang'
const grid = await openGrid()
const system = createSystem({ grid })
const worker = createMachine({
  id: 'worker',
  types: {} as { events: { type: 'job'; n: number } },
  initial: 'idle',
  states: {
    idle: { on: { job: 'busy' } },
    busy: {
      invoke: {
        src: fromPromise<void, number>(async ({ input }) => {
          await new Promise((resolve) => setTimeout(resolve, hang ? 3_600_000 : 30))
          process.stdout.write(`job ${input}\n`)
        }),
        input: ({ event }) => (event as { n: number }).n,
        onDone: 'idle',
      },
    },
  },
})
const agent = await system.spawn(worker, { id: 'w', stash: (_event, state) => state.matches('busy') })
for (const n of [1, 2, 3]) agent.send({ type: 'job', n })
drainOnSignal(system, {
  ...(hang ? {} : { timeoutMs: 5000 }),
  report: ({ finished, cut }) => process.stdout.write(`${JSON.stringify({ finished, cut })}\n`),
  after: () => grid.close(),
})
process.stdout.write('ready\n')
// Something else that would keep the process alive.
setInterval(() => undefined, 1_000_000)
