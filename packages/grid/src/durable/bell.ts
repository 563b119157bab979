import type { Clock, TimerHandle } from '../clock.ts'

/** Tells who waits that something of a name may have changed. */
export interface Bell {
  ring(name: string): void
  listen(name: string, fn: () => void): () => void
}

// What other processes write rings nowhere here, so whoever waits also looks this often.
const LOOK_EVERY_MS = 10

/** Time runs only while somebody listens. */
export function createBell(clock: Clock): Bell {
  const listeners = new Map<string, Set<() => void>>()
  let timer: TimerHandle | undefined

  const ring = (name: string): void => listeners.get(name)?.forEach((fn) => fn())

  function look(): void {
    timer = clock.setTimeout(look, LOOK_EVERY_MS)
    for (const name of listeners.keys()) ring(name)
  }

  return {
    ring,
    listen(name, fn) {
      let mine = listeners.get(name)
      if (mine === undefined) listeners.set(name, (mine = new Set()))
      mine.add(fn)
      timer ??= clock.setTimeout(look, LOOK_EVERY_MS)
      return () => {
        mine.delete(fn)
        if (mine.size === 0 && listeners.get(name) === mine) listeners.delete(name)
        if (listeners.size > 0 || timer === undefined) return
        clock.clearTimeout(timer)
        timer = undefined
      }
    },
  }
}
