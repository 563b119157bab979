import type { Clock } from '../time/clock.ts'
import type { DurableGrid } from '../durable/grid/durable-grid.ts'
import { resolveEmbeddedOptions, type EmbeddedOptions, type ResolvedEmbeddedOptions } from './embedded-options.ts'
import type { GridBackend, GridDriver } from '../driver.ts'
import { MemoryMap } from './memory-map.ts'

/**
 * The backend inside this process. Every operation commits synchronously inside its call, so all of them are linearizable.
 * Grids opened on the same `embedded()` object share one memory, as processes share a cluster; give them the same clock.
 */
export function embedded(): GridBackend
/**
 * The same in a directory: it outlives the process, and other processes of this machine share it. Needs the package `lmdb`.
 * Throws `StoreError` BAD_OPTION; opening it also STORE_PEER, STORE_ACCESS, STORE_BROKEN, STORE_NEWER or STORE_FULL.
 */
export function embedded(options: EmbeddedOptions): GridBackend
export function embedded(options?: EmbeddedOptions): GridBackend {
  return options === undefined ? inMemory() : durable(resolveEmbeddedOptions(options))
}

/** lmdb is loaded with the first grid, never with this package. */
function durable(options: ResolvedEmbeddedOptions): GridBackend {
  let opened: Promise<DurableGrid> | undefined
  return {
    name: 'embedded, durable',
    async open({ clock }) {
      opened ??= import('../durable/grid/durable-grid.ts').then(({ createDurableGrid }) => createDurableGrid(options))
      return (await opened).open(clock)
    },
  }
}

function inMemory(): GridBackend {
  const maps = new Map<string, MemoryMap>()
  const topics = new Map<string, Set<Receive>>()
  return {
    name: 'embedded',
    open: async ({ clock }) => openDriver(maps, topics, clock),
  }
}

type Receive = (message: Uint8Array) => void

function openDriver(maps: Map<string, MemoryMap>, topics: Map<string, Set<Receive>>, clock: Clock): GridDriver {
  return {
    supports: { consistency: new Set(['eventual', 'session', 'strong']), linearizable: true, atomicPutAll: true, topics: true },
    openMap(name, feed) {
      const shared = maps.get(name) ?? new MemoryMap(name)
      maps.set(name, shared)
      return shared.open(feed, clock)
    },
    openTopic(name, receive) {
      const shared = topics.get(name) ?? new Set()
      topics.set(name, shared.add(receive))
      return {
        async publish(message) {
          for (const each of shared) each(message)
        },
        close: () => void shared.delete(receive),
      }
    },
    close: async () => {},
  }
}
