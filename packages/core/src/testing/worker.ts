import { assign, setup, type AnyStateMachine } from 'xstate'
import type { GridMap } from '@stigmergy/grid'
import { command, put, send } from '../durability/effect.ts'
import type { ArmCommand } from './arm.ts'

/** What an agent of the simulation counts. All of it is stored, so that it can be held against what the world saw. */
export interface WorkerContext {
  readonly id: string
  readonly peers: readonly string[]
  /** Work it was given. */
  readonly handled: number
  /** Messages sent to each peer, and taken from each. */
  readonly sent: Readonly<Record<string, number>>
  readonly got: Readonly<Record<string, number>>
  readonly commands: number
  readonly puts: number
  /** Timers begun and ended. */
  readonly armed: number
  readonly fired: number
  /** What should never be: messages out of their order, or twice. */
  readonly wrong: readonly string[]
  /** To whom it wrote last. */
  readonly peer: string
}

/** Events it has handled of those that count: work, messages and timers. */
export function handledBy(context: WorkerContext | undefined): number {
  if (context === undefined) return 0
  let sum = context.handled + context.fired
  for (const peer in context.got) sum += context.got[peer] ?? 0
  return sum
}

export type WorkerEvent = { type: 'work' } | { type: 'job'; from: string; n: number } | { type: 'boom' } | { type: 'agent.restored' }

export interface WorkerInput {
  readonly id: string
  readonly peers: readonly string[]
}

/** What the n-th piece of work makes it do. */
type Deed = 'message' | 'command' | 'timer' | 'put'

const DEEDS: readonly Deed[] = ['message', 'command', 'timer', 'put']
/** A time that nothing else in the simulation takes, so that these timers can be told. */
export const TIMER_MS = 23

/** The agent that the runtime is tried on: each piece of work is a message to a peer, a command, a timer or a write, in turn. */
export function createWorker(notes: GridMap<number>): AnyStateMachine {
  const is =
    (deed: Deed) =>
    ({ context }: { readonly context: WorkerContext }): boolean =>
      DEEDS[context.handled % DEEDS.length] === deed
  const peerOf = ({ peers, handled }: WorkerContext): string => peers[Math.floor(handled / DEEDS.length) % peers.length] as string
  type Own = { readonly context: WorkerContext }
  return setup({
    types: { context: {} as WorkerContext, events: {} as WorkerEvent, input: {} as WorkerInput },
    delays: { timer: TIMER_MS },
  }).createMachine({
    id: 'worker',
    context: ({ input }) => ({
      ...input,
      ...{ handled: 0, sent: {}, got: {}, commands: 0, puts: 0, armed: 0, fired: 0, wrong: [], peer: '' },
    }),
    initial: 'idle',
    on: {
      work: [
        {
          guard: is('message'),
          actions: [
            assign(({ context }) => {
              const peer = peerOf(context)
              return { peer, handled: context.handled + 1, sent: { ...context.sent, [peer]: (context.sent[peer] ?? 0) + 1 } }
            }),
            send(
              ({ context }: Own) => context.peer,
              ({ context }) => ({ type: 'job', from: context.id, n: context.sent[context.peer] }),
            ),
          ],
        },
        {
          guard: is('command'),
          actions: [
            assign(({ context }) => ({ handled: context.handled + 1, commands: context.commands + 1 })),
            command('arm', ({ context }: Own): ArmCommand => ({ agent: context.id, n: context.commands })),
          ],
        },
        {
          guard: is('put'),
          actions: [
            assign(({ context }) => ({ handled: context.handled + 1, puts: context.puts + 1 })),
            put(
              notes,
              ({ context }: Own) => context.id,
              ({ context }) => context.puts,
            ),
          ],
        },
        { actions: assign(({ context }) => ({ handled: context.handled + 1 })) },
      ],
      job: {
        actions: assign(({ context, event: { from, n } }) => ({
          got: { ...context.got, [from]: n },
          wrong: n === (context.got[from] ?? 0) + 1 ? context.wrong : [...context.wrong, `${from} ${n} after ${context.got[from] ?? 0}`],
        })),
      },
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
    states: {
      idle: {
        on: {
          work: {
            guard: is('timer'),
            target: 'waiting',
            actions: assign(({ context }) => ({ handled: context.handled + 1, armed: context.armed + 1 })),
          },
        },
      },
      waiting: { after: { timer: { target: 'idle', actions: assign(({ context }) => ({ fired: context.fired + 1 })) } } },
    },
  })
}
