import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { createMemoryStore } from '@stigmergy/grid/store'
import { createActor } from 'xstate'
import { counter, nact, reaches, robot } from './machines.ts'

/**
 * A few agents and as many actors of each peer that live as long as the bench. At the end of a round all that were made in it are gone, and
 * the next one begins with a full garbage collection: where none of a kind is left, the engine forgets what such objects look like, and
 * with it all it had compiled for them. Then each round would measure the compiler again, on whichever side has the more kinds of objects.
 * A process that runs agents always has some. Returns their end.
 */
export async function standing(): Promise<() => Promise<void>> {
  const grid = await openGrid()
  const store = createMemoryStore()
  const system = createSystem({ grid, store })
  const kinds = ['none', 'checkpoint', 'gated'] as const
  const counters = await Promise.all(kinds.map((durability) => system.spawn(counter, { durability })))
  const agents = [...counters, await system.spawn(robot, { input: 1, durability: 'checkpoint' })]
  const actors = [createActor(counter).start(), createActor(robot, { input: 1 }).start()]
  for (const each of [...agents, ...actors]) each.send({ type: 'up' })
  await reaches(() => counters.every(({ snapshot }) => snapshot.context.n === 1))
  await system.checkpoint()
  const nacts = nact.start()
  const last = nact.spawn(nacts, (state) => state + 1, 'standing', { initialState: 0 })
  nact.dispatch(last, { type: 'up' })
  return async () => {
    for (const actor of actors) actor.stop()
    nact.stop(nacts)
    await system.close()
    await grid.close()
  }
}
