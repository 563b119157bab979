import { strongerReason, type Change, type Entry, type GridMap, type ResyncReason, type TraceContext, type Watch } from '@stigmergy/grid'
import { functionOption, optionsOf, quote, textOption } from './check.ts'
import type { AgentEvent, Envelope, Sender } from './mailbox/envelope.ts'
import { CoreError } from './errors.ts'

/** A change of a watched map as an event. `name` is the key of the agent's `watch` option. */
export type MapEvent<TName extends string, V> =
  | {
      readonly type: `${TName}.put`
      readonly key: string
      readonly value: V
      readonly entry: Entry<V>
      readonly previous: Entry<V> | undefined
    }
  | { readonly type: `${TName}.remove`; readonly key: string; readonly previous: Entry<V> }
  | { readonly type: `${TName}.expire`; readonly key: string; readonly previous: Entry<V> }
  /** Changes may have been missed. A put for every present entry follows it. */
  | { readonly type: `${TName}.resync`; readonly reason: string; readonly keys: readonly string[] }

/** A map to watch, and what of it. */
export interface WatchBinding<V> {
  readonly map: GridMap<V>
  /** As in `GridMap.watch`: this key alone. @default all keys */
  readonly key?: string
  /** As in `GridMap.watch`: only entries that satisfy it, and puts of entries that stop satisfying it. @default all */
  where?(entry: Entry<V>): boolean
  /** As in `GridMap.watch`: only the newest undelivered change of a key. @default false */
  readonly coalesce?: boolean
}

/** Where a binding's events go. */
export interface WorldInbox {
  envelope(event: AgentEvent, trace: TraceContext | undefined, sender: Sender): Envelope
  /** Takes a change of the world. False if the mailbox is full. */
  offer(envelope: Envelope): boolean
  /** A change was lost: a resync is due as soon as there is room again. */
  fellBehind(place: 'newest' | 'oldest'): void
  /** A user's `where` threw. */
  guestFailed(error: unknown): void
}

/** An agent's view of one map. */
export interface WorldBinding {
  /** Why changes were lost, if they were: the agent must be told the present state before any newer change (I5). */
  readonly behind: string | undefined
  /**
   * Watches from now on, and returns the present entries as puts; after a resync if there is a reason for one.
   * What was delivered before and is still waiting means nothing any more.
   */
  open(resync: string | undefined): Envelope[]
  close(): void
}

const NOTHING: ReadonlyMap<string, WatchBinding<unknown>> = new Map()

/** Checks the `watch` option. Throws `CoreError` BAD_OPTION. */
export function resolveWatch(watch?: Readonly<Record<string, unknown>>): ReadonlyMap<string, WatchBinding<unknown>> {
  if (watch === undefined) return NOTHING
  if (typeof watch !== 'object' || watch === null || Array.isArray(watch)) {
    throw new CoreError('BAD_OPTION', `watch is ${quote(watch)}: give maps of a grid, by name`)
  }
  const bindings = new Map<string, WatchBinding<unknown>>()
  for (const [name, given] of Object.entries(watch)) {
    const binding = (typeof given === 'object' && given !== null && 'map' in given ? given : { map: given }) as WatchBinding<unknown>
    if (typeof (binding.map as Partial<GridMap<unknown>> | undefined)?.watch !== 'function') {
      throw new CoreError('BAD_OPTION', `watch.${name} is ${quote(given)}: give a map of a grid, or { map, key, where, coalesce }`)
    }
    if (binding === given) checkBinding(`watch.${name}`, binding)
    bindings.set(name, binding)
  }
  return bindings
}

function checkBinding(name: string, binding: WatchBinding<unknown>): void {
  optionsOf<WatchBinding<unknown>>(name, binding, { map: true, key: true, where: true, coalesce: true })
  textOption(`${name}.key`, binding.key, undefined)
  if (binding.where !== undefined) functionOption(`${name}.where`, binding.where)
}

/** Events of one turn, from an opening to the next, die with it: the next begins with the present state. */
interface Turn extends Sender {
  live: boolean
}

export function createWorldBinding(name: string, binding: WatchBinding<unknown>, inbox: WorldInbox): WorldBinding {
  const { map, coalesce = false } = binding
  let watch: Watch | undefined
  let turn: Turn | undefined
  let behind: ResyncReason | undefined

  // Of a `where` that throws nothing is known: rather an event too many than a gap (I5).
  function matches(entry: Entry<unknown>): boolean {
    if (binding.where === undefined) return true
    try {
      return binding.where(entry)
    } catch (error) {
      inbox.guestFailed(error)
      return true
    }
  }

  function lose(reason: ResyncReason, place: 'newest' | 'oldest' = 'newest'): void {
    const wasBehind = behind !== undefined
    behind = strongerReason(behind, reason)
    if (!wasBehind || place === 'oldest') inbox.fellBehind(place)
  }

  function newTurn(): Turn {
    return {
      live: true,
      lost(reason) {
        if (reason === 'crashed') return false
        // It was in the mailbox: newer changes may wait behind it.
        if (this.live) lose('overflow', 'oldest')
        return true
      },
    }
  }

  function onChange(change: Change<unknown>, sender: Turn): void {
    if (!sender.live) return
    if (change.type === 'resync') {
      lose(change.reason)
      return
    }
    // Whoever is behind gets everything that happens now with the present state later.
    if (behind !== undefined) return
    const { type, key, previous } = change
    let event = { type: `${name}.${type}`, key, previous } as AgentEvent
    if (type === 'put') event = putEvent(change.entry, previous)
    const trace = type === 'put' ? change.entry.trace : type === 'remove' ? change.trace : undefined
    if (!inbox.offer(inbox.envelope(event, trace, sender))) lose('overflow')
  }

  function putEvent(entry: Entry<unknown>, previous: Entry<unknown> | undefined): AgentEvent {
    return { type: `${name}.put`, key: entry.key, value: entry.value, entry, previous } as AgentEvent
  }

  function close(): void {
    if (turn !== undefined) turn.live = false
    watch?.close()
    watch = undefined
  }

  return {
    get behind() {
      return behind
    },
    open(resync) {
      close()
      const sender = newTurn()
      turn = sender
      behind = undefined
      // Read and watched in one go, by a new watch: no change falls between, none that is older comes after.
      const { key, where } = binding
      const seen = key === undefined ? [...map.entries()] : [map.peek(key)].filter((entry) => entry !== undefined)
      const present = seen.filter(matches)
      const options = { coalesce, ...(key !== undefined && { key }), ...(where && { where: matches }) }
      watch = map.watch((change) => onChange(change, sender), options)
      const puts = present.map((entry) => inbox.envelope(putEvent(entry, undefined), entry.trace, sender))
      if (resync === undefined) return puts
      const event = { type: `${name}.resync`, reason: resync, keys: present.map((entry) => entry.key) } as AgentEvent
      return [inbox.envelope(event, undefined, sender), ...puts]
    },
    close,
  }
}
