import type { VirtualClock } from '@stigmergy/grid'
import { createRecordCodec } from '../durability/record-codec.ts'
import type { SimulationWorld } from './simulate.ts'
import { handledBy, type WorkerContext } from './worker.ts'

/** How many events were handled, by all and by the agent that handled fewest. */
export interface Handled {
  readonly events: number
  readonly leastEvents: number
}

/**
 * Stops all, and holds what is stored against what the world saw. Tells how many events were handled.
 * Each check calls `wrong` with what it found; `overwritten` is called for an entry that a replaced activation wrote last.
 */
export async function checkEnd(
  { disk, arm, cluster }: SimulationWorld,
  clock: VirtualClock,
  wrong: (text: string) => void,
  overwritten: () => void,
): Promise<Handled> {
  const notes = cluster.teams.flatMap(({ node, agents }) =>
    agents.map((id) => [id, node?.grid.map<number>('notes').peek(id)?.value] as const),
  )
  const seen = new Map(notes)
  // One that has just died never answers.
  const alive = cluster.nodes.filter(({ line }) => line.state === 'running')
  const closing = Promise.allSettled(alive.map(({ system }) => system.close()))
  await clock.advance(10_000)
  await closing

  oneWriter(cluster, disk.commits, wrong)
  const codec = createRecordCodec()
  const contexts = new Map<string, WorkerContext>()
  for (const { agents } of cluster.teams) {
    for (const id of agents) {
      const stored = disk.read(id)
      if (stored === undefined) {
        wrong(`${id} was never stored`)
        continue
      }
      const record = codec.decode(stored.value, { id, machineType: 'worker', machineVersion: undefined, migrations: undefined })
      contexts.set(id, record.snapshot.context as WorkerContext)
    }
  }
  let events = 0
  let leastEvents = Infinity
  for (const [id, context] of contexts) {
    const handled = handledBy(context)
    events += handled
    leastEvents = Math.min(leastEvents, handled)
    for (const text of context.wrong) wrong(`message: ${id} got ${text}`)
    for (const [peer, n] of Object.entries(context.sent)) {
      const got = contexts.get(peer)?.got[id] ?? 0
      if (got !== n) wrong(`message: ${id} sent ${n} to ${peer}, which has ${got}`)
    }
    if (context.armed !== context.fired) wrong(`timer: ${id} began ${context.armed} and ${context.fired} fired`)
    commands(id, context.commands, arm.done.get(id) ?? [], wrong)
    const written = seen.get(id) ?? 0
    // A replaced activation may put an older value once more: entries of the grid carry no fence.
    if (written > context.puts || (written === 0 && context.puts > 0))
      wrong(`write: ${id} put ${context.puts} at last, the map has ${written}`)
    else if (written < context.puts) overwritten()
  }
  return { events, leastEvents }
}

/** Per agent: revisions without a gap, fences that only grow, one owner of each (I1). */
function oneWriter(cluster: SimulationWorld['cluster'], commits: SimulationWorld['disk']['commits'], wrong: (text: string) => void): void {
  const last = new Map<string, (typeof commits)[number]>()
  for (const commit of commits) {
    const { id, rev, owner, token } = commit
    const before = last.get(id)
    last.set(id, commit)
    if (rev !== (before?.rev ?? 0) + 1) wrong(`writer: ${id} went from revision ${before?.rev ?? 0} to ${rev}`)
    if (before === undefined) continue
    if (token < before.token) wrong(`writer: ${owner} wrote ${id} with fence ${token} after ${before.owner} with ${before.token}`)
    if (token === before.token && owner !== before.owner) wrong(`writer: ${owner} and ${before.owner} wrote ${id} with fence ${token}`)
  }
  for (const { agents } of cluster.teams) for (const id of agents) if (!last.has(id)) wrong(`writer: nobody wrote ${id}`)
}

/** The arm did each of an agent's commands once, in order, and no other. */
function commands(id: string, given: number, done: readonly number[], wrong: (text: string) => void): void {
  const odd = done.findIndex((n, at) => n !== at + 1)
  if (odd >= 0) wrong(`effect: the arm did command ${done[odd]} of ${id} as its number ${odd + 1}`)
  else if (done.length !== given) wrong(`effect: ${id} gave ${given} commands, the arm did ${done.length}`)
}
