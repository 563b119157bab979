import { createRequire } from 'node:module'

/**
 * XState as core sees it. Telemetry itself knows no statechart and does not depend on XState; a test of the whole house needs machines.
 */
const xstate = createRequire(import.meta.resolve('@stigmergy/core'))('xstate') as {
  readonly setup: (options: object) => { createMachine(config: object): never }
  readonly fromPromise: (run: () => Promise<unknown>) => unknown
  readonly assign: (update: (args: { readonly context: never; readonly event: never }) => object) => object
}

export const { setup, assign, fromPromise } = xstate
