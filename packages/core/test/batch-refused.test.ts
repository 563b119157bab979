import { assign, createMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import type { Store as FullStore } from '@stigmergy/grid/store'
import { command, createSystem, memoryStore, type Store } from '../src/index.ts'

const test = suite('a batch that is refused')

const machine = createMachine({
  id: 'm',
  context: { n: 0 },
  on: {
    inc: {
      actions: [
        assign({ n: ({ context }) => context.n + 1 }),
        command('arm', ({ context, event }: { context: { n: number }; event: unknown }) => [(event as { to: string }).to, context.n]),
      ],
    },
  },
})

type Code = 'STORE_BUSY' | 'STORE_FENCED'

for (const code of ['STORE_BUSY', 'STORE_FENCED'] as const) {
  test(`${code}: it ends no agent that has a further commit under way, and nothing of them is lost or done twice`, async () => {
    const clock = createVirtualClock()
    const grid = await openGrid({ clock })
    const disk = memoryStore() as Store & Partial<FullStore>
    let refuses = false
    let refused = 0
    // In order, each answer 2 ms after the one before it: as a disk is.
    let last: Promise<unknown> = Promise.resolve()
    const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
      const next = last.then(() => new Promise<void>((resolve) => void clock.setTimeout(resolve, 2))).then(work)
      last = next.catch(() => undefined)
      return next
    }
    const store = {
      ...disk,
      ordered: true,
      commit: (...args: Parameters<Store['commit']>) => inOrder(() => disk.commit(...args)),
      commitAll: (commits: Parameters<FullStore['commitAll']>[0]) =>
        inOrder(async () => {
          if (refuses && commits.length > 1) {
            refuses = false
            refused += 1
            throw Object.assign(new Error('not this one'), { code: code satisfies Code })
          }
          const revs: number[] = []
          for (const { id, expectedRev, fence, value } of commits) revs.push(await disk.commit(id, expectedRev, fence, value))
          return revs
        }),
    }
    const done: Record<string, number[]> = {}
    const failures: unknown[] = []
    const system = createSystem({
      grid,
      store,
      actuators: {
        arm(what) {
          const [id, n] = what as [string, number]
          ;(done[id] ??= []).push(n)
        },
      },
      hooks: { onFailure: ({ error }) => void failures.push(error) },
    })
    const ids = ['a', 'b', 'c']
    const gate = { maxTransitions: 1, maxCommits: 8 }
    const spawning = Promise.all(ids.map((id) => system.spawn(machine, { id, durability: 'gated', gate })))
    await clock.advance(100)
    const [first, ...others] = await spawning
    refuses = true
    for (const agent of [first, ...others]) agent?.send({ type: 'inc', to: agent.id } as never)
    for (let n = 0; n < 5; n++) first?.send({ type: 'inc', to: 'a' } as never)
    await clock.advance(2000)
    assert.equal([refused, failures], [1, []])
    assert.equal(done, { a: [1, 2, 3, 4, 5, 6], b: [1], c: [1] })
    const closed = system.close()
    await clock.advance(1000)
    await closed
    await grid.close()
  })
}

test.run()
