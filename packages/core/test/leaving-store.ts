import { memoryStore, type Store } from '../src/index.ts'

export interface Leaving {
  readonly store: Store
  /** What is behind it, and never away. */
  readonly disk: Store
  away: boolean
}

/** A store that refuses at once while `away`, as a client does that has lost its connection. */
export function leavingStore(): Leaving {
  const disk = memoryStore()
  const refuse = (): Promise<never> => Promise.reject(new Error('ECONNREFUSED'))
  const leaving: Leaving = {
    away: false,
    disk,
    store: {
      ...disk,
      get: (id) => (leaving.away ? refuse() : disk.get(id)),
      commit: (...args) => (leaving.away ? refuse() : disk.commit(...args)),
    },
  }
  return leaving
}
