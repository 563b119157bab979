import type { AgentKind } from '@stigmergy/core'
import { GridError, systemClock, type Clock } from '@stigmergy/grid'
import { suggestion } from '@stigmergy/grid/cli'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The name under which a module exports the kinds of agents it has. */
const EXPORT = 'kinds'
const WRITE = `export const ${EXPORT} = [{ machine, migrations }]`

const LOAD_MS = 30_000

/**
 * Runs the user's module at `path`, which is relative to the working directory, and gives what it exports as `kinds`: the shape of it is for
 * `checkStore` to check. Throws `GridError` BAD_OPTION, also if the module has not loaded within 30 s, or the signal's reason.
 */
export async function loadKinds(path: string, signal: AbortSignal, clock: Clock = systemClock()): Promise<readonly AgentKind[]> {
  const name = JSON.stringify(path)
  const tooLate = new GridError('BAD_OPTION', `${name} has not loaded within ${LOAD_MS} ms: let it only declare what it exports`)
  signal.throwIfAborted()
  let stop: () => void = () => undefined
  // A module may wait for what never comes.
  const stopped = new Promise<never>((_, fail) => {
    const timer = clock.setTimeout(() => fail(tooLate), LOAD_MS)
    const abort = (): void => fail(signal.reason as Error)
    signal.addEventListener('abort', abort)
    stop = () => {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  })
  try {
    return await Promise.race([kindsOf(name, resolve(path)), stopped])
  } finally {
    stop()
  }
}

async function kindsOf(name: string, file: string): Promise<readonly AgentKind[]> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) throw new GridError('BAD_OPTION', `there is no module ${name}: give the path of an ES module with \`${WRITE}\``)
  if (!found.isFile()) throw new GridError('BAD_OPTION', `${name} is no file: give the path of an ES module with \`${WRITE}\``)
  const exported = await load(name, file)
  if (EXPORT in exported) return exported[EXPORT] as readonly AgentKind[]
  const names = Object.keys(exported)
  const there = names.length === 0 ? 'nothing' : names.map((each) => JSON.stringify(each)).join(', ')
  throw new GridError('BAD_OPTION', `${name} exports ${there}, and no "${EXPORT}"${suggestion(EXPORT, names)}: write \`${WRITE}\``)
}

async function load(name: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    const why = String(cause).replaceAll(/\s+/g, ' ')
    throw new GridError('BAD_OPTION', `${name} cannot be loaded: ${why}: give JavaScript that loads by itself`, { cause })
  }
}
