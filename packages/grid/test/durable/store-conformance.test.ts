import { openDurable } from '@stigmergy/grid/durable'
import { createMemoryStore, type Store } from '@stigmergy/grid/store'
import { storeCases } from '@stigmergy/grid/store/testing'
import { suite } from 'uvu'
import { newPlace, quickPlace } from './places.ts'

const test = suite('conformance of stores')

for (const { name, run } of storeCases) {
  test(`memory: ${name}`, async () => {
    const shared = createMemoryStore({ revisions: 3 })
    await run({ open: async () => shared })
    await shared.close()
  })

  for (const level of ['process', 'host'] as const) {
    test(`lmdb, ${level}: ${name}`, async () => {
      const place = await (level === 'host' ? newPlace() : quickPlace())
      const opened: Store[] = []
      const open = async (): Promise<Store> => {
        const { store } = await openDurable({ path: place.path, level, revisions: 3 })
        opened.push(store)
        return store
      }
      try {
        await run({ open })
      } finally {
        await Promise.all(opened.map((store) => store.close()))
        await place.done()
      }
    })
  }
}

test.run()
