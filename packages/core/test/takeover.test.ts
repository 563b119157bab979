import { assign, createMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createSystem, isCoreError, memoryStore, type Store } from '../src/index.ts'

const test = suite('taking over')

const machine = createMachine({ id: 'm', context: { n: 0 }, on: { inc: { actions: assign({ n: ({ context }) => context.n + 1 }) } } })

for (const durability of ['checkpoint', 'gated'] as const) {
  test(`${durability}: a busy agent of another process is taken over by one spawn, however often it commits meanwhile`, async () => {
    const clock = createVirtualClock()
    const [one, two] = [await openGrid({ clock, id: 'one' }), await openGrid({ clock, id: 'two' })]
    const disk = memoryStore()
    const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms))
    let claims = 0
    const late = (ms: number): Store => ({
      ...disk,
      get: (id) => wait(ms).then(() => disk.get(id)),
      async commit(...args) {
        await wait(ms)
        return disk.commit(...args)
      },
    })
    const first = createSystem({ grid: one, store: late(1) })
    const slow = late(5)
    const failures: unknown[] = []
    const second = createSystem({ grid: two, store: { ...slow, commit: (...args) => (claims++, slow.commit(...args)) } })
    const spawning = first.spawn(machine, { id: 'a', durability })
    await clock.advance(20)
    const old = await spawning
    old.send({ type: 'inc' })
    await clock.advance(20)
    let taken: unknown
    second.spawn(machine, { id: 'a', durability }).then(
      (agent) => (taken = agent),
      (error: unknown) => failures.push(error),
    )
    // It commits every 4 ms for a while, so that each claim comes too late; then it rests for a moment.
    for (let n = 0; n < 200; n++) {
      if (n < 160) old.send({ type: 'inc' })
      await clock.advance(1)
    }
    await clock.advance(100)
    assert.equal(failures, [])
    assert.is((taken as typeof old).status, 'running')
    assert.ok(claims > 1, String(claims))
    old.send({ type: 'inc' })
    await clock.advance(100)
    assert.is(old.status, 'failed', 'the older one may not write any more')
    const closed = Promise.allSettled([first.close(), second.close()])
    await clock.advance(1000)
    await closed
    await one.close()
    await two.close()
  })
}

test('a store that refuses every claim is told after a while', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  let claims = 0
  const disk = memoryStore()
  const conflict = (): Promise<never> => {
    claims += 1
    return Promise.reject(Object.assign(new Error('at revision 7'), { code: 'STORE_CONFLICT' }))
  }
  const system = createSystem({ grid, store: { ...disk, commit: conflict } })
  const failed = system.spawn(machine, { id: 'a', durability: 'checkpoint' }).catch((error: unknown) => error)
  await clock.advance(1000)
  assert.match(String(await failed), 'at revision 7')
  assert.not(isCoreError(await failed, 'AGENT_EXISTS'))
  assert.is(claims, 100)
  await system.close()
  await grid.close()
})

test.run()
