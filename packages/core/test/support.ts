import { createVirtualClock, openGrid, type Grid, type TraceContext, type VirtualClock } from '@stigmergy/grid'
import { assign, createMachine } from 'xstate'
import { createSystem, type ActorSystem, type CoreHooks, type SystemOptions } from '../src/index.ts'

export interface Bench {
  readonly clock: VirtualClock
  readonly grid: Grid
  readonly system: ActorSystem
  /** Lets everything that is ready run: no time passes. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** A system on a virtual clock. Backoff has no jitter unless a test asks for it. */
export async function openBench(options: Partial<SystemOptions> = {}): Promise<Bench> {
  const clock = createVirtualClock()
  const grid = options.grid ?? (await openGrid({ clock, id: 'here' }))
  const system = createSystem({ random: () => 0, ...options, grid, clock })
  return {
    clock,
    grid,
    system,
    settle: () => clock.advance(0),
    async close() {
      await system.close()
      await grid.close()
    },
  }
}

export type Counting = { type: 'add'; by: number } | { type: 'boom' } | { type: 'agent.restored'; restarts: number; from: string }

/** Adds up, and throws on `boom`. */
export const counter = createMachine({
  id: 'counter',
  types: {} as { context: { sum: number; restored: readonly string[] }; events: Counting },
  context: { sum: 0, restored: [] },
  on: {
    add: { actions: assign({ sum: ({ context, event }) => context.sum + event.by }) },
    boom: {
      actions: () => {
        throw new Error('boom')
      },
    },
    'agent.restored': { actions: assign({ restored: ({ context, event }) => [...context.restored, event.from] }) },
  },
})

export const add = (by: number): Counting => ({ type: 'add', by })

/** A trace whose ids can be told apart by eye. */
export function traceOf(n: number): TraceContext {
  return { traceId: String(n).padStart(32, '0'), spanId: String(n).padStart(16, '0'), traceFlags: 1 }
}

/** Hooks that write down what they are told, in order. */
export function recorder(): CoreHooks & { readonly log: string[] } {
  const log: string[] = []
  return {
    log,
    onSpawn: (agent) => void log.push(`spawn ${agent.id}`),
    onStop: (agent, reason) => void log.push(`stop ${agent.id} ${reason}`),
    onTransitionEnd: (end) => void log.push(`${end.event}: ${end.from} -> ${end.to}${end.error === undefined ? '' : ' failed'}`),
    onFailure: ({ event, decision }) => {
      log.push(`failure on ${event}: ${decision.type}${decision.type === 'restart' ? ` in ${decision.delayMs} ms` : ''}`)
    },
    onRestart: (_agent, restarts, from) => void log.push(`restart ${restarts} from ${from}`),
    onDeadLetter: (letter) => void log.push(`dead ${letter.event.type} ${letter.reason}`),
  }
}
