import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

/** A user's project, elsewhere, that exports its agents: the compiler must be able to write down their types, and to use them again. */
const test = suite('declarations')
const run = promisify(execFile)
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const TSC = at('../../../node_modules/typescript/bin/tsc')

const AGENT = `
import { openGrid, type Grid } from '@stigmergy/grid'
import { child, createSystem, send, type MapEvent, type ReplyTo } from '@stigmergy/core'
import { assign, setup } from 'xstate'

export type Part = { x: number; owner?: string }
export const robot = setup({
  types: {
    context: {} as { part: string | undefined },
    events: {} as MapEvent<'parts', Part> | { type: 'where'; replyTo: ReplyTo<string> } | { type: 'placed' },
  },
}).createMachine({
  id: 'robot',
  context: { part: undefined },
  initial: 'idle',
  states: {
    idle: { on: { 'parts.put': { actions: assign({ part: ({ event }) => event.key }), target: 'picking' } } },
    picking: { on: { placed: { target: 'idle', actions: send('planner', { type: 'ready' }) } } },
  },
})
export const openCell = async () => {
  const grid = await openGrid()
  const parts = grid.map<Part>('parts')
  const system = createSystem({ grid })
  const agent = await system.spawn(robot, { id: 'r1', watch: { parts }, durability: 'checkpoint' })
  return { grid, parts, system, agent }
}
export const startIn = (grid: Grid) => createSystem({ grid }).spawn(robot)
export const spec = child(robot, { id: 'r2' })
export class Cell {
  agent = startIn(undefined as unknown as Grid)
}
`

const USE = `
import { openCell, spec, type Part } from './agent.js'
const { agent, parts } = await openCell()
agent.send({ type: 'placed' })
// @ts-expect-error no such event
agent.send({ type: 'dropped' })
const where: string = await agent.ask<string>((replyTo) => ({ type: 'where', replyTo }))
const part: string | undefined = agent.snapshot.context.part
const entry: Part | undefined = parts.peek('p')?.value
export const all = [where, part, entry, spec] as const
`

const CONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    declaration: true,
    emitDeclarationOnly: true,
    exactOptionalPropertyTypes: true,
    types: [],
    lib: ['es2023', 'esnext.disposable'],
    // XState's own declarations do not stand the strictest check.
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'out',
  },
  include: ['src'],
}

async function project(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-user-'))
  await mkdir(join(path, 'src'))
  await mkdir(join(path, 'node_modules/@stigmergy'), { recursive: true })
  await symlink(at('..'), join(path, 'node_modules/@stigmergy/core'))
  await symlink(at('../../grid'), join(path, 'node_modules/@stigmergy/grid'))
  await symlink(at('../node_modules/xstate'), join(path, 'node_modules/xstate'))
  await writeFile(join(path, 'package.json'), JSON.stringify({ name: 'user', type: 'module' }))
  await writeFile(join(path, 'tsconfig.json'), JSON.stringify(CONFIG))
  await writeFile(join(path, 'src/agent.ts'), AGENT)
  await writeFile(join(path, 'src/use.ts'), USE)
  return path
}

test('of an exported agent can be emitted, and used', async () => {
  const path = await project()
  try {
    const { stdout } = await run(process.execPath, [TSC, '-p', path], { timeout: 60_000 }).catch((error: { stdout?: string }) => {
      throw new Error(`the compiler says: ${error.stdout ?? String(error)}`)
    })
    assert.is(stdout, '')
    const emitted = await readFile(join(path, 'out/agent.d.ts'), 'utf8')
    assert.match(emitted, /agent: .*AgentRef</)
    assert.not.match(emitted, /\.pnpm|import\("\.\.?\//)
    assert.not.match(emitted, /agent: any/)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
})

test.run()
