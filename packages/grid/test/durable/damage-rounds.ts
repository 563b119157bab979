import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRandom } from '../random.ts'
import { bundleChild } from './child-code.ts'
import { structureOf } from './page-structure.ts'

const CHILD = fileURLToPath(new URL('damage-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const ours = { owner: 'a', token: 1 }
const PAGE = 4096
/** Longer than any deadline within. */
const HANGS_AFTER_MS = 60_000

/** What is in the sound file. */
export interface DamageWritten {
  readonly records: readonly (readonly [id: string, value: string])[]
  readonly entries: readonly (readonly [key: string, version: number])[]
  readonly journal: readonly string[]
}

/** What became of a damaged one. */
export interface DamageSeen {
  readonly errors: readonly string[]
  readonly wrong: readonly string[]
}

export interface DamageRound {
  readonly round: number
  /** Byte and bit. */
  readonly flips: readonly (readonly [at: number, bit: number])[]
  /** The signal or exit code that ended the reader, `hang`, or what it told. */
  readonly seen: DamageSeen | string
}

/** A directory with all that a durable one can hold, and what is in it. */
export async function fillAll(path: string, random: () => number): Promise<DamageWritten> {
  const durable = await openDurable({ path })
  const grid = await openGrid(durable.backend)
  const parts = grid.map<{ x: number; pad: string }>('parts')
  const revs = new Map<string, number>()
  const values = new Map<string, string>()
  for (let turn = 0; turn < 4; turn++) {
    const ids = Array.from({ length: 120 }, (_, at) => `agent-${at}`).filter(() => random() < 0.7)
    await Promise.all(
      ids.map(async (id) => {
        const value = `${id}/${turn} `.repeat(random() < 0.05 ? 800 : 1 + Math.floor(random() * 20))
        const rev = await durable.store.commit(
          id,
          revs.get(id) ?? 0,
          ours,
          Buffer.from(value),
          random() < 0.2 ? [Buffer.from('out')] : undefined,
        )
        revs.set(id, rev)
        values.set(id, value)
      }),
    )
    for (let at = 0; at < 60; at++) {
      if (random() < 0.2) await parts.remove(`part-${at}`)
      else await parts.put(`part-${at}`, { x: turn, pad: 'p'.repeat(random() < 0.05 ? 9000 : Math.floor(random() * 100)) })
    }
  }
  const journal = durable.journal('decisions')
  const records = Array.from({ length: 30 }, (_, at) => `decision ${at}`)
  for (const [at, record] of records.entries()) await journal.append('planner', at + 1, Buffer.from(record))
  await journal.close()
  const authority = durable.authority()
  await authority.acquire('cell', 'planner', 60_000)
  await authority.close()
  const { id } = await durable.blobs.put([Buffer.from('model')])
  await durable.blobs.tag('policy', '1.0.0', id)
  const entries: [string, number][] = []
  for (const { key, version } of parts.entries()) entries.push([key, version])
  await grid.close()
  await durable.close()
  const byName = <T>([a]: readonly [string, T], [b]: readonly [string, T]): number => (a < b ? -1 : 1)
  return { records: [...values].toSorted(byName), entries: entries.toSorted(byName), journal: records }
}

/** Flips 1 to 4 bits of the file, again and again, and gives what another process makes of each. */
export async function* damageRounds(place: string, rounds: number, random: () => number): AsyncGenerator<DamageRound> {
  const whole = join(place, 'whole')
  const known = join(place, 'written.json')
  await writeFile(known, JSON.stringify(await fillAll(whole, random)))
  const sound = await readFile(join(whole, 'data.mdb'))
  const structure = structureOf(sound)
  const code = bundleChild(CHILD)
  let child: Reader | undefined
  try {
    for (let round = 0; round <= rounds; round++) {
      // The first one is whole.
      const count = round === 0 ? 0 : 1 + Math.floor(random() ** 2 * 4)
      const flips = Array.from({ length: count }, () => {
        const at = random() < 0.8 ? structure[Math.floor(random() * structure.length)] : Math.floor(random() * sound.length)
        return [at ?? 0, Math.floor(random() * 8)] as const
      })
      const bytes = Buffer.from(sound)
      for (const [at, bit] of flips) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      const path = join(place, `round-${round}`)
      await mkdir(path)
      await writeFile(join(path, 'data.mdb'), bytes)
      child ??= new Reader(code.file, known)
      const seen = await child.look(path)
      if (typeof seen === 'string') child = undefined
      yield { round, flips, seen }
      await rm(path, { recursive: true, force: true })
    }
  } finally {
    child?.end()
    code.remove()
  }
}

/** A process that reads one directory after the other, until one ends it. */
class Reader {
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #exited: Promise<readonly unknown[]>

  constructor(file: string, known: string) {
    this.#child = spawn(process.execPath, [file, known], { cwd: ROOT, stdio: ['pipe', 'pipe', 'ignore'] })
    this.#exited = once(this.#child, 'exit')
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
  }

  async look(path: string): Promise<DamageSeen | string> {
    const done = new AbortController()
    const line = once(this.#lines, 'line', { signal: done.signal }).then(([text]) => JSON.parse(String(text)) as DamageSeen)
    const ended = this.#exited.then(([exit, signal]) => `ended by ${String(signal ?? exit)}`)
    const hang = wait(HANGS_AFTER_MS, 'hangs', { signal: done.signal })
    for (const each of [line, hang]) each.catch(() => undefined)
    this.#child.stdin?.write(`${path}\n`)
    const seen = await Promise.race([line, ended, hang])
    done.abort()
    if (typeof seen === 'string') this.end()
    return seen
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

/**
 * Fails where a reader died, hung, or took a wrong value for right, and tells how to see it again. The seed says which bytes are flipped; how
 * they lie in the file is another matter each time, so the sound file and what is in it are kept in a temporary directory then. Gives how
 * many were told of, and how many harmed nothing.
 */
export async function checkDamage(place: string, rounds: number, seed: number): Promise<{ told: number; right: number }> {
  let [told, right] = [0, 0]
  for await (const { round, flips, seen } of damageRounds(place, rounds, createRandom(seed))) {
    const wrong = faultsOf(round, seen)
    if (wrong.length > 0) throw new Error(await report(place, `seed ${seed}, round ${round}`, flips, wrong))
    if (round === 0) continue
    if ((seen as DamageSeen).errors.length > 0) told += 1
    else right += 1
  }
  return { told, right }
}

function faultsOf(round: number, seen: DamageSeen | string): readonly string[] {
  if (typeof seen === 'string') return [`the reader ${seen}`]
  // The first one is whole.
  return [...seen.wrong, ...seen.errors.filter((error) => round === 0 || !error.startsWith('STORE_BROKEN '))]
}

async function report(place: string, which: string, flips: DamageRound['flips'], wrong: readonly string[]): Promise<string> {
  const sound = await readFile(join(place, 'whole', 'data.mdb'))
  const kept = await mkdtemp(join(tmpdir(), 'stigmergy-damage-'))
  for (const name of ['whole/data.mdb', 'written.json']) await cp(join(place, name), join(kept, name))
  const bits = flips.map(([at, bit]) => {
    const around = JSON.stringify(sound.toString('latin1', Math.max(0, at - 24), at + 24))
    return `bit ${bit} of byte ${at}: page ${Math.floor(at / PAGE)}, its byte ${at % PAGE}, of ${around}`
  })
  return [`${which}, in the file that is kept in ${kept}`, ...bits.map((each) => `flipped ${each}`), ...wrong].join('\n')
}
