import type { Grid, GridMap } from '@stigmergy/grid'
import type { AnyActorLogic, AnyStateMachine, AnyStateNode } from 'xstate'
import { partsOption, quote } from '../check.ts'
import { unguarded } from '../dependencies/guard-map.ts'
import type { WatchBinding } from '../world.ts'
import { DATA, INTO } from './effect-marks.ts'
import type { EffectData, OutboxEntry } from './outbox.ts'

/** Which map of the world a name means. Undefined: this one does not say. */
export type NamedMaps = (name: string) => GridMap<unknown> | undefined

type Put = EffectData & { readonly kind: 'put' }

/** What an agent has to do with the world. */
export interface Worldly {
  readonly machine: AnyStateMachine
  readonly watch: ReadonlyMap<string, WatchBinding<unknown>>
}

/**
 * The maps that agents put into: of which grid, and guarded by what. A put is stored with the name of its map, so one of an earlier
 * process is done by what that name means in this process. No map is opened here: only the program knows with which options (I9).
 */
export class PutMaps {
  readonly #grid: Pick<Grid, 'map' | 'mapNames'>
  readonly #named: NamedMaps | undefined

  constructor(grid: Pick<Grid, 'map' | 'mapNames'>, named: NamedMaps | undefined) {
    this.#grid = grid
    this.#named = named
  }

  /** Undefined: so far nothing says which map it is. Throws what the program's own function throws. */
  of(effect: Put): GridMap<unknown> | undefined {
    const named = this.#named?.(effect.map)
    if (named !== undefined) return partsOption(`maps(${quote(effect.map)})`, named, ['put', 'watch'], 'a map of a grid')
    const given = effect[INTO]
    if (given !== undefined) return given ?? undefined
    return this.#grid.mapNames.includes(effect.map) ? this.#grid.map(effect.map) : undefined
  }

  /** Why there is none. Undefined: there is one. */
  lacks(effect: Put): string | undefined {
    const name = quote(effect.map)
    if (effect[INTO] === null) return `its machine puts into several maps ${name}: say which it is by createSystem({ maps })`
    try {
      if (this.of(effect) !== undefined) return undefined
    } catch (error) {
      return String(error)
    }
    return `no map ${name} is open in this process: open it by grid.map(${name}, options), or name it by createSystem({ maps })`
  }

  /** Of an earlier process, and of no map so far: each is given the one that its agent's machine puts into, or that the agent watches. */
  reach(entries: readonly OutboxEntry[], { machine, watch }: Worldly): void {
    const puts = entries.map(({ effect }) => effect).filter((effect) => effect.kind === 'put')
    if (puts.length === 0) return
    const written = [...mapsOf(machine, new Set())]
    const watched = Array.from(watch.values(), ({ map }) => map)
    for (const put of puts) {
      const known = theOne(put.map, written) ?? theOne(put.map, watched)
      if (known !== undefined) Object.assign(put, { [INTO]: known.map })
    }
  }
}

/** Of this name. `map` is null if there are several; one that is guarded goes before the same one that is not. */
function theOne(name: string, maps: readonly GridMap<unknown>[]): { readonly map: GridMap<unknown> | null } | undefined {
  const found = maps.filter((map) => map.name === name)
  const [first] = found
  if (first === undefined) return undefined
  const bare = new Set(found.map(unguarded))
  return { map: bare.size > 1 ? null : (found.find((map) => unguarded(map) !== map) ?? first) }
}

/** What a machine and its children put into, as far as it is written in them: not what a function of the program enqueues. */
function* mapsOf(machine: AnyStateMachine, seen: Set<object>): Iterable<GridMap<unknown>> {
  if (seen.has(machine)) return
  seen.add(machine)
  const { actions, actors } = machine.implementations as unknown as Readonly<
    Record<'actions' | 'actors', Readonly<Record<string, unknown>>>
  >
  for (const action of Object.values(actions)) yield* mapIn(action)
  for (const logic of Object.values(actors)) yield* mapsBelow(logic, seen)
  yield* mapsAt(machine.root, seen)
}

function* mapsAt(node: AnyStateNode, seen: Set<object>): Iterable<GridMap<unknown>> {
  const { entry, exit, transitions, always = [], initial, config, states } = node
  const taken = [...[...transitions.values()].flat(), ...always, ...(initial === undefined ? [] : [initial])]
  for (const action of [...entry, ...exit, ...taken.flatMap((each) => each.actions as readonly unknown[])]) yield* mapIn(action)
  for (const invoke of [(config as { readonly invoke?: unknown }).invoke].flat()) {
    yield* mapsBelow((invoke as { readonly src?: unknown } | undefined)?.src, seen)
  }
  for (const below of Object.values(states as Readonly<Record<string, AnyStateNode>>)) yield* mapsAt(below, seen)
}

function* mapsBelow(logic: unknown, seen: Set<object>): Iterable<GridMap<unknown>> {
  const machine = logic as AnyActorLogic & Partial<AnyStateMachine>
  if (typeof machine?.root === 'object') yield* mapsOf(machine as unknown as AnyStateMachine, seen)
}

function* mapIn(action: unknown): Iterable<GridMap<unknown>> {
  const mark = typeof action === 'function' ? (action as { readonly [DATA]?: true | GridMap<unknown> })[DATA] : undefined
  if (typeof mark === 'object') yield mark
}
