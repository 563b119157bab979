import { assign, setup, type AnyStateMachine } from 'xstate'
import type { GridMap } from '@stigmergy/grid'
import { command, put, send } from '../effect.ts'
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
  const handled = ({ context }: { readonly context: WorkerContext }) => ({ handled: context.handled + 1 })
  return setup({
    types: { context: {} as WorkerContext, events: {} as WorkerEvent, input: {} as WorkerInput },
    delays: { timer: TIMER_MS },
  }).createMachine({
    id: 'worker',
    context: ({ input }) => ({
      ...input,
      ...{ handled: 0, sent: {}, got: {}, commands: 0, puts: 0, armed: 0, fired: 0, wrong: [] },
    }),
    type: 'parallel',
    states: {
      work: {
        on: {
          work: [
            {
              guard: is('message'),
              actions: [
                assign(({ context }) => ({ sent: { ...context.sent, [peerOf(context)]: (context.sent[peerOf(context)] ?? 0) + 1 } })),
                send(
                  ({ context }: { context: WorkerContext }) => peerOf(context),
                  ({ context }) => ({ type: 'job', from: context.id, n: context.sent[peerOf(context)] }),
                ),
                assign(handled),
              ],
            },
            {
              guard: is('command'),
              actions: [
                assign(({ context }) => ({ commands: context.commands + 1 })),
                command('arm', ({ context }: { context: WorkerContext }): ArmCommand => ({ agent: context.id, n: context.commands })),
                assign(handled),
              ],
            },
            {
              guard: is('put'),
              actions: [
                assign(({ context }) => ({ puts: context.puts + 1 })),
                put(
                  notes,
                  ({ context }: { context: WorkerContext }) => context.id,
                  ({ context }) => context.puts,
                ),
                assign(handled),
              ],
            },
            { actions: assign(handled) },
          ],
          job: {
            actions: assign(({ context, event: { from, n } }) => ({
              got: { ...context.got, [from]: n },
              wrong:
                n === (context.got[from] ?? 0) + 1 ? context.wrong : [...context.wrong, `${from} ${n} after ${context.got[from] ?? 0}`],
            })),
          },
          boom: {
            actions: () => {
              throw new Error('boom')
            },
          },
        },
      },
      timer: {
        initial: 'idle',
        states: {
          idle: {
            on: {
              work: {
                guard: is('timer'),
                target: 'waiting',
                actions: assign(({ context }) => ({ armed: context.armed + 1 })),
              },
            },
          },
          waiting: { after: { timer: { target: 'idle', actions: assign(({ context }) => ({ fired: context.fired + 1 })) } } },
        },
      },
    },
  })
}
