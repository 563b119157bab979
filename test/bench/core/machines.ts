import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { assign, createMachine, type ActorRefFrom } from 'xstate'

/** nact has no types that Node's resolution finds. */
export interface Nact {
  start(): unknown
  stop(actor: unknown): void
  spawn(
    parent: unknown,
    fn: (state: number, message: { readonly type: string; readonly sender?: unknown }) => number,
    name: string,
    options: object,
  ): unknown
  dispatch(actor: unknown, message: object): void
  query(actor: unknown, message: (sender: unknown) => object, timeoutMs: number): Promise<unknown>
}
export const nact = createRequire(import.meta.url)(fileURLToPath(import.meta.resolve('nact'))) as Nact

type Counting = { type: 'up' } | { type: 'ask'; replyTo: { send(n: number): void } }

/** Counts, and tells how far it is. */
export const counter = createMachine({
  id: 'counter',
  types: {} as { context: { n: number }; events: Counting },
  context: { n: 0 },
  on: {
    up: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    ask: { actions: ({ context, event }) => event.replyTo.send(context.n) },
  },
})
export type Counter = ActorRefFrom<typeof counter>

/** Five fields, about 235 bytes as JSON. */
export const robotContext = (n: number) => ({
  part: `part-${n}`,
  position: { x: 1.25 + n, y: 0.5, z: 0 },
  history: ['picked', 'placed', 'picked', 'placed', 'idle', 'picked', 'placed', 'done', 'picked'],
  count: n,
  owner: `robot-${n % 50} in cell seven of hall two, line 3, belt 1`,
})

export const robot = createMachine({
  id: 'robot',
  types: {} as { context: ReturnType<typeof robotContext>; events: { type: 'up' }; input: number },
  context: ({ input }) => robotContext(input),
  initial: 'idle',
  states: { idle: { on: { up: { actions: assign({ count: ({ context }) => context.count + 1 }) } } } },
})

/** What one commit holds at most, and how many may be under way. */
export const GATE = { maxTransitions: 64, maxCommits: 16 }

/** Each step has one effect outside, which says how long it waited. */
export function gatedCounter(waited: (ms: number) => void) {
  return createMachine({
    id: 'gated',
    types: {} as { context: { n: number; atMs: number }; events: { type: 'up' } },
    context: { n: 0, atMs: 0 },
    on: {
      up: {
        actions: [
          assign({ n: ({ context }) => context.n + 1, atMs: () => performance.now() }),
          ({ context }) => waited(performance.now() - context.atMs),
        ],
      },
    },
  })
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Waits, turn by turn, until it is so. False if it is not within a minute. */
export async function reaches(is: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + 60_000
  while (!is()) {
    if (performance.now() > untilMs) return false
    await turn()
  }
  return true
}
