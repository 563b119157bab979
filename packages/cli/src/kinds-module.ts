import type { AgentKind } from '@stigmergy/core'
import { GridError } from '@stigmergy/grid'
import { suggestion } from '@stigmergy/grid/cli'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The name under which a module exports the kinds of agents it has. */
const EXPORT = 'kinds'
const WRITE = `export const ${EXPORT} = [{ machine, migrations }]`

/**
 * Runs the user's module at `path`, which is relative to the working directory, and gives what it exports as `kinds`: the shape of it is for
 * `checkStore` to check. Throws `GridError` BAD_OPTION.
 */
export async function loadKinds(path: string): Promise<readonly AgentKind[]> {
  const name = JSON.stringify(path)
  const file = resolve(path)
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
