import { watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import type { Clock, TimerHandle } from '../time/clock.ts'

/** Tells who waits that something of a name may have changed. */
export interface Bell {
  ring(name: string): void
  listen(name: string, fn: () => void): () => void
}

// What the system does not tell is found by looking: every so often, and more often where it tells nothing.
const LOOK_EVERY_MS = 50
const LOOK_ALONE_EVERY_MS = 10
// The system tells of the last bytes of a commit a moment before lmdb shows it. By the real clock, as what the system tells is.
const SEEN_AFTER_MS = 2

/**
 * Writers of this process ring; what other processes commit is told by the operating system, which watches the file, and found at the
 * latest by looking. Watch and time run only while somebody listens.
 */
export function createBell(clock: Clock, path: string): Bell {
  const listeners = new Map<string, Set<() => void>>()
  let timer: TimerHandle | undefined
  let watcher: FSWatcher | undefined
  let rung = false
  let again: NodeJS.Timeout | undefined

  const ring = (name: string): void => listeners.get(name)?.forEach((fn) => fn())

  function ringAll(): void {
    rung = false
    for (const name of listeners.keys()) ring(name)
  }

  function look(): void {
    timer = clock.setTimeout(look, watcher === undefined ? LOOK_ALONE_EVERY_MS : LOOK_EVERY_MS)
    ringAll()
  }

  function start(): void {
    try {
      watcher = watch(join(path, 'data.mdb'), { persistent: false }, () => {
        // One commit writes several pages.
        if (!rung) setImmediate(ringAll)
        rung = true
        clearTimeout(again)
        again = setTimeout(ringAll, SEEN_AFTER_MS).unref()
      })
      watcher.on('error', stopWatching)
    } catch {
      // No watch is to be had: there are limits to them.
    }
    timer = clock.setTimeout(look, watcher === undefined ? LOOK_ALONE_EVERY_MS : LOOK_EVERY_MS)
  }

  function stopWatching(): void {
    clearTimeout(again)
    watcher?.close()
    watcher = undefined
  }

  return {
    ring,
    listen(name, fn) {
      let mine = listeners.get(name)
      if (mine === undefined) listeners.set(name, (mine = new Set()))
      mine.add(fn)
      if (timer === undefined) start()
      return () => {
        mine.delete(fn)
        if (mine.size === 0 && listeners.get(name) === mine) listeners.delete(name)
        if (listeners.size > 0 || timer === undefined) return
        clock.clearTimeout(timer)
        timer = undefined
        stopWatching()
      }
    },
  }
}
