import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine } from 'xstate'
import { loadKinds } from '../src/kinds-module.ts'
import { fence, fingerprint, run } from './kit.ts'

const test = suite('stigmergy check')

const robot = createMachine({ id: 'robot', version: '1', context: { part: 'p7' }, initial: 'idle', states: { idle: {} } })
const camera = createMachine({ id: 'camera', initial: 'on', states: { on: {} } })

/** The new program: its robot is of version 2. */
const NEXT = `import { createMachine } from '${import.meta.resolve('xstate')}'
const camera = createMachine({ id: 'camera', initial: 'on', states: { on: {} } })
const robot = createMachine({ id: 'robot', version: '2', initial: 'resting', states: { resting: {} } })
const state = ({ context }) => ({ value: 'resting', context: { parts: [context.part] } })
`

interface Place {
  readonly store: string
  /** Writes a module, and gives its path. */
  readonly module: (text: string) => Promise<string>
}

/** What a running program has stored: two robots, a camera, a spawn that failed, and a record of an audit. */
async function inPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-check-'))
  const store = join(path, 'store')
  const durable = await openDurable({ path: store })
  const grid = await openGrid()
  const system = createSystem({ grid, store: durable.store })
  let modules = 0
  try {
    for (const id of ['r1', 'r2']) await system.spawn(robot, { id, durability: 'checkpoint' })
    await system.spawn(camera, { id: 'c1', type: 'eye', durability: 'checkpoint' })
    await durable.store.commit('never ran', 0, fence, new Uint8Array(0))
    await durable.store.commit('audit/cell', 0, fence, Buffer.from('{}'))
    await system.close()
    await use({
      store,
      async module(text) {
        const file = join(path, `kinds-${modules++}.mjs`)
        await writeFile(file, text)
        return file
      },
    })
  } finally {
    await system.close()
    await grid.close()
    await durable.close()
    await rm(path, { recursive: true, force: true })
  }
}

test('exit code 0 if the new program can resume every agent, and the store is as it was', () =>
  inPlace(async ({ store, module }) => {
    const all = `export const kinds = [{ machine: robot, migrations: [{ from: '1', to: '2', state }] }, { machine: camera, type: 'eye' }]`
    const machines = await module(NEXT + all)
    const before = await fingerprint(store)
    const { code, out, err } = await run(['check', store, '--machines', machines, '--skip', 'audit/,parts/'])
    assert.equal([code, err], [0, []])
    assert.match(out[0] ?? '', /store: .*, schema version \d+$/)
    assert.equal(out.slice(1), ['agents: 3 tried, 1 forgotten (without a state)', 'all can be resumed'])
    const json = await run(['check', store, '--machines', machines, '--prefix', 'r', '--json'])
    assert.is(json.code, 0)
    assert.equal(JSON.parse(json.out.join()), { path: store, checked: 2, forgotten: 0, failed: 0, failures: [] })
    assert.equal(await fingerprint(store), before)
  }))

test('exit code 1 if not, and each is named with its type, its stored version and why', () =>
  inPlace(async ({ store, module }) => {
    const machines = await module(`${NEXT}export const kinds = [{ machine: robot }]`)
    const before = await fingerprint(store)
    const { code, out } = await run(['check', store, '--machines', machines])
    assert.equal([code, out.at(-1)], [1, '4 cannot be resumed'])
    const text = out.join('\n')
    assert.match(text, /^ {2}id +type +version +why$/m)
    assert.match(text, /^ {2}r1 +robot +1 +the state of agent "r1" is of version "1" of its machine, this one is "2", and no migrations/m)
    assert.match(text, /^ {2}c1 +eye +- +agent "c1" is a "eye", and no machine of that type is given$/m)
    assert.match(text, /^ {2}audit\/cell +\? +- +what is stored for agent "audit\/cell" /m)
    const few = await run(['check', store, '--machines', machines, '--limit', '1'])
    assert.equal(few.out.slice(-2), ['  ... and 3 more (see --limit)', '4 cannot be resumed'])
    const thrown = await module(
      `${NEXT}export const kinds = [{ machine: robot, migrations: [{ from: '1', to: '2', state() { throw new Error('no\\nway') } }] }]`,
    )
    const json = await run(['check', store, '--machines', thrown, '--prefix', 'r2', '--json'])
    const why = 'the state of agent "r2" cannot be brought from version "1" to "2": Error: no\nway'
    const failures = [{ id: 'r2', type: 'robot', version: '1', code: 'MIGRATION_FAILED', why }]
    assert.equal([json.code, JSON.parse(json.out.join())], [1, { path: store, checked: 1, forgotten: 0, failed: 1, failures }])
    const lost = await module(`${NEXT}export const kinds = [{ machine: robot, migrations: [{ from: '1', to: '2' }] }]`)
    assert.match((await run(['check', store, '--machines', lost, '--prefix', 'r1'])).out[3] ?? '', /^ {2}r1 +robot +1 +.*idle/)
    assert.equal(await fingerprint(store), before)
  }))

test('bad usage: one line that quotes what was found, exit code 2', () =>
  inPlace(async ({ store, module }) => {
    const good = await module(`${NEXT}export const kinds = [{ machine: robot }]`)
    const folder = join(store, 'folder')
    await mkdir(folder)
    const given = async (text: string): Promise<readonly string[]> => ['check', store, '--machines', await module(text)]
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [['chek'], /unknown command 'chek': did you mean check\?/],
      [['check'], /^stigmergy check: PLACE is missing \(see: stigmergy check --help\)$/],
      [['check', store], /^stigmergy check: --machines is missing: give an ES module that exports `kinds`/],
      [['check', store, '--machnes', good], /unknown option --machnes: did you mean --machines\?/],
      [['check', store, '--machines', good, '--limit', '-1'], /--limit/],
      [['check', store, '--machines', good, '--skip', 'a,'], /--skip is 'a,': give prefixes with a comma between$/],
      [['check', `${store}x`, '--machines', good], /^there is no directory ".*storex": give the directory/],
      [['check', folder, '--machines', good], /^there is no store at /],
      [['check', store, '--machines', 'nowhere.js'], /^there is no module "nowhere\.js": give the path of an ES module with `export const/],
      [['check', store, '--machines', folder], /folder" is no file: give the path/],
      [await given('export const kind = []'), /exports "kind", and no "kinds": did you mean kind\?: write `export const kinds = /],
      [await given(''), /exports nothing, and no "kinds": write/],
      [await given('export const kinds = {}'), /kinds-\d\.mjs": kinds is an object: give a list of \{ machine, migrations \}$/],
      [await given('export const kinds = [{ machine: 7 }]'), /kinds\[0\]: machine is 7: give .* with an XState v5 state machine$/],
      [await given('throw new Error("at\\nonce")'), /cannot be loaded: Error: at once: give JavaScript that loads by itself$/],
      [await given('export const kinds = ['), /cannot be loaded: /],
      [await given('import "nowhere-to-be-found"'), /cannot be loaded: .*nowhere-to-be-found/],
    ]
    for (const [args, line] of refusals) {
      const { code, out, err } = await run(args)
      assert.equal([code, out, err.length], [2, [], 1], args.join(' '))
      assert.match(err[0] ?? '', line)
    }
    const { code, out } = await run(['check', '--help'])
    assert.is(code, 0)
    assert.match(out.join(), /^stigmergy check PLACE \[options\][\s\S]*--machines MODULE[\s\S]*--json[\s\S]*Examples:/)
  }))

test('a module that leaves something open does not keep the program alive', () =>
  inPlace(async ({ store, module }) => {
    const machines = await module(`${NEXT}setInterval(() => undefined, 1000)\nexport const kinds = [{ machine: robot }]`)
    const bin = join(import.meta.dirname, '../src/bin.ts')
    const flags = ['--conditions=@stigmergy/source', '--import', 'tsx', bin]
    const ended = await new Promise<readonly unknown[]>((done) => {
      execFile(process.execPath, [...flags, 'check', store, '--machines', machines], { timeout: 60_000 }, (error, out) =>
        done([error?.code, error?.signal ?? undefined, out.trim().split('\n').at(-1)]),
      )
    })
    assert.equal(ended, [1, undefined, '4 cannot be resumed'])
  }))

test('a module that never loads is waited for half a minute, or until the command is interrupted', () =>
  inPlace(async ({ module }) => {
    const machines = await module('await new Promise(() => undefined)')
    const clock = createVirtualClock()
    const abort = new AbortController()
    const why = (error: unknown): string => (error instanceof Error ? error.message : String(error))
    const late = loadKinds(machines, abort.signal, clock).then(String, why)
    await clock.advance(30_000)
    assert.match(await late, /^".*" has not loaded within 30000 ms: let it only declare what it exports$/)
    const cut = loadKinds(machines, abort.signal, clock).then(String, why)
    abort.abort(new Error('cut'))
    assert.is(await cut, 'cut')
    assert.is(await loadKinds(machines, abort.signal, clock).then(String, why), 'cut')
    assert.is(clock.pending, 0)
  }))

test.run()
