import type { GridMap } from '@stigmergy/grid'
import type { Dependency } from './dependency.ts'

/** Of a guarded map: the one it guards. */
const GUARDS: unique symbol = Symbol.for('@stigmergy/core/guards')

/** The map itself, whatever guards it. */
export function unguarded<V>(map: GridMap<V> & { readonly [GUARDS]?: GridMap<V> }): GridMap<V> {
  const inner = map[GUARDS]
  return inner === undefined ? map : unguarded(inner)
}

/** The map whose calls to the grid go through a dependency. A write whose outcome is unknown is not repeated: only reads are. */
export function guardMap<V>(map: GridMap<V>, dependency: Dependency): GridMap<V> {
  type Signalled = { readonly signal?: AbortSignal } | undefined
  const call = <T>(options: Signalled, fn: (signal: AbortSignal) => Promise<T>, retry = false): Promise<T> =>
    dependency.call(fn, { signal: options?.signal, retry })
  const index = map.index.bind(map) as GridMap<V>['index']
  const guarded: GridMap<V> & { readonly [GUARDS]: GridMap<V> } = {
    [GUARDS]: map,
    name: map.name,
    get size() {
      return map.size
    },
    peek: (key) => map.peek(key),
    entries: () => map.entries(),
    get: (key, options) => call(options, (signal) => map.get(key, { ...options, signal }), true),
    put: (key, value, options) => call(options, (signal) => map.put(key, value, { ...options, signal })),
    putAll(values, options) {
      // An iterator can be read once.
      const all = [...values]
      return call(options, (signal) => map.putAll(all, { ...options, signal }))
    },
    remove: (key, options) => call(options, (signal) => map.remove(key, { ...options, signal })),
    compareAndSet: (key, version, value, options) =>
      call(options, (signal) => map.compareAndSet(key, version, value, { ...options, signal })),
    removeIf: (key, version, options) => call(options, (signal) => map.removeIf(key, version, { ...options, signal })),
    update: (key, fn, options) => call(options, (signal) => map.update(key, fn, { ...options, signal })),
    clear: (options) => call(options, (signal) => map.clear({ ...options, signal })),
    watch: (listener, options) => map.watch(listener, options),
    index,
    ageMs: () => map.ageMs(),
    caughtUp: (options) => call(options, (signal) => map.caughtUp({ ...options, signal }), true),
    sourceAgeMs: (key) => map.sourceAgeMs(key),
    onAge: (options, listener) => map.onAge(options, listener),
  }
  return guarded
}
