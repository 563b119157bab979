import type { AckLevel } from '@stigmergy/grid/store'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as assert from 'uvu/assert'
import { imageAt, readLog, type LogRecord } from './cut.ts'

const ROOT = fileURLToPath(new URL('../../../../..', import.meta.url))
const SHIM = fileURLToPath(new URL('write-log.c', import.meta.url))
const WRITER = fileURLToPath(new URL('../kill-child.ts', import.meta.url))
const CHECKER = fileURLToPath(new URL('check-child.ts', import.meta.url))
const SOURCES = ['--conditions=@stigmergy/source', '--import', 'tsx']
const run = promisify(execFile)

/** Is there a C compiler, and are programs linked in a way that lets a library stand between? */
export async function canLogWrites(): Promise<boolean> {
  if (process.platform !== 'linux') return false
  return run('cc', ['--version']).then(
    () => true,
    () => false,
  )
}

/** What of the power cuts was seen. */
export interface Cuts {
  readonly acknowledged: number
  /** Images that had all, and images that had lost commits that were acknowledged. */
  readonly kept: number
  readonly lost: number
}

/**
 * A process commits at that level while all it writes is logged; then the file is made as each of so many power cuts would leave it: what was
 * flushed, and of the rest nothing, all, or some pages, whole or torn. Each is opened, read whole and written to. Nothing half-written is
 * ever seen; at level `host` all that was acknowledged is there.
 */
export async function powerCuts(path: string, level: Exclude<AckLevel, 'none'>, cuts: number, random: () => number): Promise<Cuts> {
  const shim = join(path, 'write-log.so')
  await run('cc', ['-shared', '-fPIC', '-O1', '-o', shim, SHIM, '-ldl'])
  const log = await logOf(path, level, shim)
  assert.ok(log.filter(({ kind }) => kind === 'E').length > 10, 'flushes were logged')
  const places: string[] = []
  const acknowledged: ReadonlyMap<string, number>[] = []
  for (let at = 0; at < cuts; at++) {
    // Not in the first moments, before there is a store at all.
    const cut = 40 + Math.floor(random() * (log.length - 40))
    const share = [0, 0.5, 1, random()][at % 4] as number
    const survives = (): 'all' | 'none' | 'torn' => (random() < share ? 'all' : random() < 0.1 ? 'torn' : 'none')
    const place = join(path, `cut-${at}`)
    await mkdir(place)
    await writeFile(join(place, 'data.mdb'), imageAt(log, cut, survives, random))
    places.push(place)
    acknowledged.push(acknowledgedIn(log.slice(0, cut)))
  }
  const { stdout } = await run(process.execPath, [...SOURCES, CHECKER, ...places], { cwd: ROOT, maxBuffer: 1e8, timeout: 110_000 })
  const lines = stdout.trimEnd().split('\n')
  assert.is(lines.length, cuts, `the reader ended in the middle: ${lines.at(-1)}`)
  let kept = 0
  for (const [at, line] of lines.entries()) {
    const found = new Map(line.split(' ').map((each) => each.split('=') as [string, string]))
    assert.not.match(line, /failed|broken/, `cut ${at}`)
    const missing = Array.from(acknowledged[at] ?? []).filter(([id, rev]) => Number(found.get(id) ?? 0) < rev)
    if (level === 'host') assert.equal(missing, [], `cut ${at}: ${line}`)
    if (missing.length === 0) kept += 1
  }
  return {
    acknowledged: Math.max(...acknowledged.map((each) => [...each.values()].reduce((sum, rev) => sum + rev, 0))),
    kept,
    lost: cuts - kept,
  }
}

const ACKNOWLEDGED = 400

async function logOf(path: string, level: string, shim: string): Promise<readonly LogRecord[]> {
  const log = join(path, 'write.log')
  const env = { ...process.env, LD_PRELOAD: shim, WRITE_LOG: log, FLUSH_US: '3000' }
  const args = [...SOURCES, WRITER, join(path, 'written'), 'writer', '1', '4', level]
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    lines += chunk.toString().split('\n').length - 1
    if (lines >= ACKNOWLEDGED) child.kill('SIGKILL')
  })
  await exited
  assert.ok(lines >= ACKNOWLEDGED, `the writer ended after ${lines} commits`)
  return readLog(await readFile(log))
}

/** The last revision of each id that was acknowledged by then. */
function acknowledgedIn(records: readonly LogRecord[]): ReadonlyMap<string, number> {
  const text = Buffer.concat(records.filter(({ kind }) => kind === 'A').map(({ bytes }) => bytes)).toString()
  const lines = text.split('\n').filter((line) => line.startsWith('agent-'))
  return new Map(lines.map((line) => line.split(' ')).map(([id = '', rev]) => [id, Number(rev)]))
}
