import { createMemoryStore, StoreError, type Store } from '@stigmergy/grid/store'

/** A store in memory that fails, is slow, or loses answers as it is told; it notes what was committed, in order. */
export function createFaultyStore(): Store & {
  next(fault: 'down' | 'lost' | 'unanswered' | undefined): void
  hold(): () => void
  readonly log: string[]
} {
  const store = createMemoryStore()
  const log: string[] = []
  let fault: 'down' | 'lost' | 'unanswered' | undefined
  let gate: Promise<void> = Promise.resolve()
  return {
    ...store,
    log,
    next: (given) => (fault = given),
    hold() {
      let open = (): void => undefined
      gate = new Promise((resolve) => (open = resolve))
      return open
    },
    async get(id) {
      log.push(`get ${id}`)
      await gate
      return store.get(id)
    },
    async commit(id, ...rest) {
      if (fault === 'down') throw new StoreError('STORE_UNREACHABLE', 'down')
      if (fault === 'unanswered') throw new StoreError('STORE_TIMEOUT', 'on its way')
      await gate
      const rev = await store.commit(id, ...rest)
      log.push(`commit ${id} ${rev}`)
      if (fault === 'lost') throw new StoreError('STORE_TIMEOUT', 'the answer was lost')
      return rev
    },
    async delete(id, fence) {
      await store.delete(id, fence)
      log.push(`delete ${id}`)
    },
  }
}
