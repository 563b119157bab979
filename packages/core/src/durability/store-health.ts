import { isCoreError } from '../errors.ts'
import type { Guests } from '../guests.ts'

/** Whether the store takes what is written: what became of the last write of any agent of the system. */
export interface StoreHealth {
  readonly up: boolean
  onChange(fn: () => void): () => void
}

/** `guests`: by them it hears of the writes. */
export function createStoreHealth(guests: Guests): StoreHealth {
  const listeners = new Set<() => void>()
  let up = true
  function set(now: boolean): void {
    if (now === up) return
    up = now
    for (const listener of [...listeners]) listener()
  }
  guests.use({
    onCheckpoint: () => set(true),
    onCheckpointError(_agent, error) {
      // A state that cannot be stored says nothing of the store.
      if (!isCoreError(error, 'BAD_STATE')) set(false)
    },
  })
  return {
    get up() {
      return up
    },
    onChange(fn) {
      const own = (): void => fn()
      listeners.add(own)
      return () => listeners.delete(own)
    },
  }
}
