import { embedded, openGrid, systemClock, type Grid, type GridBackend } from '@stigmergy/grid'
import { gridCases, type GridBench } from '@stigmergy/grid/testing'
import { setImmediate } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quickPlace } from './places.ts'
import { startRemoteWriter, type RemoteWriter } from './remote-writer.ts'

// What another process writes is seen a moment later, and time goes by as it does; what these cases ask for is shown in one process.
const WITHOUT = ['in-call', 'linearizable', 'ageless', 'exact-time']
/** Left out as well, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  'another grid sees the same entry': 'each process notes by its own clock when an entry arrived, and these differ by a microsecond',
  'a watch ends by close, by its signal and with the grid, at once': 'it counts on what is committed within one turn of the event loop',
  'every subscriber of every grid gets every message, those of a publisher in order': 'who publishes counts it, which is the other process',
  'what is no list of pairs, no function, no signal and no trace is refused, and nothing is written': 'only data reaches the other process',
  'a subscription ends by close, by its signal and with the grid; what is bad is refused': 'the trace that runs is of this process',
}
/** Guests that write when they are told make more of it: so many times is waited for what was committed last. */
const ROUNDS = 6

interface ProcessBench extends GridBench {
  close(): Promise<void>
}

/** Each grid on a backend of its own; those whose place is `remote` write from another process. */
function createBench(path: string, writer: RemoteWriter, remote: (place: number) => boolean): ProcessBench {
  const opened: { readonly grid: Grid; readonly backend: GridBackend; readonly barrier: Grid }[] = []
  let n = 0
  // Whoever commits has been told all that was committed before.
  const catchUp = (barrier: Grid): Promise<unknown> => barrier.map<number>('barrier').put('k', (n += 1))
  const bench: ProcessBench = {
    clock: systemClock(),
    async open(options = {}) {
      const backend = embedded({ path, pollMs: 20 })
      const [local, barrier] = [await openGrid(backend, options), await openGrid(backend)]
      const isRemote = remote(opened.length)
      const grid = isRemote ? await writer.grid(local, path, async () => void (await catchUp(barrier))) : local
      opened.push({ grid, backend, barrier })
      return grid
    },
    pass: () => Promise.reject(new Error('time passes by itself here')),
    async settle() {
      for (let round = 0; round < ROUNDS; round++) {
        for (const { barrier } of opened) await catchUp(barrier)
        await setImmediate()
      }
    },
    async close() {
      await Promise.all(opened.flatMap(({ grid, barrier }) => [grid.close(), barrier.close()]))
    },
  }
  return bench
}

const arrangements = [
  { name: 'the first grid writes from another process', remote: (place: number): boolean => place === 0 },
  { name: 'all grids but the first write from another process', remote: (place: number): boolean => place > 0 },
]

for (const { name: kind, remote } of arrangements) {
  const test = suite(`conformance: embedded in a directory, ${kind}`)
  let writer: RemoteWriter | undefined
  test.before(async () => {
    writer = await startRemoteWriter()
  })
  test.after(() => writer?.close())
  for (const { name, run, needs = [] } of gridCases) {
    if (needs.some((need) => WITHOUT.includes(need)) || Object.hasOwn(NOT_HERE, name)) continue
    test(name, async () => {
      const place = await quickPlace()
      const bench = createBench(place.path, writer as RemoteWriter, remote)
      try {
        await run(bench)
      } finally {
        await bench.close()
        await place.done()
      }
    })
  }
  test('the other process did write, and every case that is left out is one', () => {
    assert.ok((writer?.calls ?? 0) > 200, `${writer?.calls} calls`)
    assert.equal(
      Object.keys(NOT_HERE).filter((name) => !gridCases.some((each) => each.name === name)),
      [],
    )
  })
  test.run()
}
