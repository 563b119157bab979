import type { Seen } from './register.ts'

/** The objects last written, so that the next write of one needs no read before it. Bounded (I6): the oldest go first. */
export interface Recent {
  get(key: string): Seen | undefined
  set(key: string, seen: Seen | undefined): void
}

const MOST_OBJECTS = 1000
const MOST_BYTES = 32 * 1024 * 1024

export function createRecent(): Recent {
  const kept = new Map<string, Seen>()
  let bytes = 0

  function drop(key: string): void {
    bytes -= kept.get(key)?.size ?? 0
    kept.delete(key)
  }

  return {
    get: (key) => kept.get(key),
    set(key, seen) {
      drop(key)
      if (seen === undefined) return
      kept.set(key, seen)
      bytes += seen.size
      while (kept.size > MOST_OBJECTS || bytes > MOST_BYTES) drop(kept.keys().next().value as string)
    },
  }
}
