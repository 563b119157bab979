import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What uvu hands back for one suite. `errors` is `true` when there is none. */
export type Outcome = readonly [errors: string | true, passed: number, skipped: number, total: number, only: number]

interface Registered {
  readonly name: string
  readonly ctx: { tests: unknown[]; only: unknown[] }
}

// uvu and its command line speak through globals. UVU_SUITES and UVU_STARTED come from our patch of uvu.
declare global {
  var UVU_DEFER: number | undefined
  var UVU_INDEX: number | undefined
  var UVU_QUEUE: (() => Promise<Outcome>)[][] | undefined
  var UVU_SUITES: Registered[] | undefined
  var UVU_STARTED: ((suite: string, test: string) => void) | undefined
}

/** uvu, held so that its suites wait until they are asked to run. */
export interface HeldUvu {
  /** Imports a file. Returns its suites to run, and the suites that have tests and no `run()`. */
  readonly load: (root: string, file: string) => Promise<{ runs: readonly (() => Promise<Outcome>)[]; forgotten: readonly string[] }>
}

/**
 * Takes hold of uvu for this process. Call it before anything imports uvu.
 * @throws Error when the installed uvu lacks the patch, as it then hides faults.
 */
export const holdUvu = async (onStart: (suite: string, test: string) => void): Promise<HeldUvu> => {
  const registered: Registered[] = []
  globalThis.UVU_DEFER = 1
  globalThis.UVU_QUEUE = []
  globalThis.UVU_SUITES = registered
  globalThis.UVU_STARTED = onStart
  await import('uvu')
  if (registered.length === 0) throw new Error('uvu is installed without test/runner/uvu@0.5.6.patch; run `pnpm install`')

  return {
    load: async (root, file) => {
      const runs: (() => Promise<Outcome>)[] = []
      globalThis.UVU_INDEX = 0
      globalThis.UVU_QUEUE = [runs]
      await import(pathToFileURL(join(root, file)).href)
      const forgotten = registered.filter(({ ctx }) => ctx.tests.length + ctx.only.length > 0)
      for (const { ctx } of forgotten) ctx.tests = ctx.only = []
      return { runs, forgotten: forgotten.map(({ name }) => name || '(no name)') }
    },
  }
}
