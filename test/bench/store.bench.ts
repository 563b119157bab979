import { createRequire } from 'node:module'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDurable, type Durable } from '@stigmergy/grid/durable'
import type { Bench } from './bench.ts'
import { compare, median, type Contender } from './compare.ts'

interface Raw {
  put(key: Buffer, value: Buffer, version?: number): Promise<boolean>
  remove(key: Buffer): Promise<boolean>
  get(key: Buffer): Buffer | undefined
  getEntry(key: Buffer): { readonly value: Buffer; readonly version: number } | undefined
  ifVersion(key: Buffer, version: number, action: () => void): Promise<boolean>
  ifNoExists(key: Buffer, action: () => void): Promise<boolean>
}
interface RawRoot extends Raw {
  openDB(name: string, options: object): Raw
  resetReadTxn(): void
  readonly committed: PromiseLike<unknown>
  close(): Promise<void>
}
/** lmdb as the grid itself has it. */
const lmdb = createRequire(import.meta.resolve('@stigmergy/grid'))('lmdb') as { open(options: object): RawRoot }

const AGENTS = 1000
const TURNS = 10
const SERIAL = 300
const REVISIONS = 5
const VALUE_BYTES = 200

const value = (turn: number): Buffer => Buffer.alloc(VALUE_BYTES, turn)
const place = (): string => mkdtempSync(join(tmpdir(), 'stigmergy-bench-'))
const binary = { encoding: 'binary', keyEncoding: 'binary', cache: false }

/** `id NUL number`, as the store has it. */
function numbered(id: Buffer, at: number): Buffer {
  const key = Buffer.allocUnsafe(id.length + 9)
  id.copy(key)
  key[id.length] = 0
  key.writeBigUInt64BE(BigInt(at), id.length + 1)
  return key
}

const ids = Array.from({ length: AGENTS }, (_, at) => `agent-${at}`)
const keys = ids.map((id) => Buffer.from(id))
const fence = { owner: 'bench', token: 1 }

/** The same rows as the store's, without envelope, check sum, fence and condition: a head, a revision, and the removal of the oldest. */
function openRaw(path: string) {
  const root = lmdb.open({ path, noSubdir: false, ...binary, maxDbs: 4, eventTurnBatching: false })
  const heads = root.openDB('heads', { ...binary, useVersions: true })
  const revisions = root.openDB('revisions', binary)
  const head = Buffer.alloc(20, 1)
  let turn = 0
  const rows = (key: Buffer, rev: number, bytes: Buffer): void => {
    void heads.put(key, head, rev)
    void revisions.put(numbered(key, rev), bytes)
    if (rev > REVISIONS) void revisions.remove(numbered(key, rev - REVISIONS))
  }
  return {
    root,
    heads,
    async grouped(): Promise<boolean> {
      for (let each = 0; each < TURNS; each++) {
        turn += 1
        const bytes = value(turn)
        for (const key of keys) rows(key, turn, bytes)
        await root.committed
      }
      return revisions.get(numbered(keys[7] as Buffer, turn))?.equals(value(turn)) === true
    },
    /** One put of the value under the agent's id: no revisions kept. */
    async plain(): Promise<boolean> {
      for (let each = 0; each < TURNS; each++) {
        turn += 1
        const bytes = value(turn)
        for (const key of keys) void root.put(key, bytes)
        await root.committed
      }
      return root.get(keys[7] as Buffer)?.equals(value(turn)) === true
    },
    /** A fenced transaction by hand: read, look at the fence, write if nobody else did. */
    async serial(): Promise<number> {
      const key = Buffer.from('serial')
      const times: number[] = []
      for (let each = 0; each < SERIAL; each++) {
        const began = performance.now()
        root.resetReadTxn()
        const seen = heads.getEntry(key)
        if (seen !== undefined && seen.value[0] !== 1) throw new Error('fenced')
        const rev = (seen?.version ?? 0) + 1
        const write = (): void => rows(key, rev, value(rev))
        const done = await (seen === undefined ? heads.ifNoExists(key, write) : heads.ifVersion(key, seen.version, write))
        if (!done) throw new Error('conflict')
        times.push(performance.now() - began)
      }
      return median(times)
    },
  }
}

function openOurs(durable: Durable) {
  const { store } = durable
  let turn = 0
  let serial = 0
  return {
    async grouped(): Promise<boolean> {
      for (let each = 0; each < TURNS; each++) {
        const bytes = value(turn + 1)
        const rev = turn
        await Promise.all(ids.map((id) => store.commit(id, rev, fence, bytes)))
        turn += 1
      }
      const read = await store.get('agent-7')
      return read?.rev === turn && value(turn).equals(read.value)
    },
    async serial(): Promise<number> {
      const times: number[] = []
      for (let each = 0; each < SERIAL; each++) {
        const began = performance.now()
        serial = await store.commit('serial', serial, fence, value(serial))
        times.push(performance.now() - began)
      }
      return median(times)
    },
  }
}

const APPENDS = 20_000
const AT_ONCE = 1000

/** 20,000 records of 200 bytes, a thousand of them under way at a time; the last one is read again. */
function openAppends(durable: Durable, root: RawRoot) {
  const journal = durable.journal('bench')
  const records = root.openDB('records', binary)
  let seq = 0
  let offset = 0
  return {
    journal,
    async ours(): Promise<boolean> {
      for (let done = 0; done < APPENDS; done += AT_ONCE) {
        const appends: Promise<unknown>[] = []
        for (let each = 0; each < AT_ONCE; each++) appends.push(journal.append('producer', (seq += 1), value(seq)))
        await Promise.all(appends)
      }
      const { end } = await journal.extent()
      const [last] = await journal.read(end - 1)
      return last?.seq === seq && value(seq).equals(last.value)
    },
    /** No number of a producer, no check sum, no head: a put of the value under its offset. */
    async raw(): Promise<boolean> {
      for (let done = 0; done < APPENDS; done += AT_ONCE) {
        for (let each = 0; each < AT_ONCE; each++) void records.put(numbered(KEY, (offset += 1)), value(offset))
        await root.committed
      }
      return records.get(numbered(KEY, offset))?.equals(value(offset)) === true
    },
  }
}

const KEY = Buffer.from('bench')

const perCommit = (ms: number): number => (ms * 1000) / (AGENTS * TURNS)

async function timed(
  work: () => Promise<boolean>,
  cost: (ms: number) => number = perCommit,
): Promise<{ readonly cost: number; readonly verified: boolean }> {
  const began = performance.now()
  const verified = await work()
  return { cost: cost(performance.now() - began), verified }
}

export const bench: Bench = {
  title: `Commits of ${VALUE_BYTES} bytes with fence check and ${REVISIONS} revisions kept, level process: ${AGENTS} agents at once, or one after the other`,
  run: async () => {
    const places = [place(), place()]
    const [ourPlace = '', rawPlace = ''] = places
    const durable = await openDurable({ path: ourPlace, revisions: REVISIONS })
    const ours = openOurs(durable)
    const raw = openRaw(rawPlace)
    const grouped: Contender[] = [
      { name: 'ours', round: () => timed(() => ours.grouped()) },
      { name: 'lmdb, same rows', round: () => timed(() => raw.grouped()) },
      { name: 'lmdb, one put', round: () => timed(() => raw.plain()) },
    ]
    const appends = openAppends(durable, raw.root)
    const perAppend = (ms: number): number => (ms * 1000) / APPENDS
    const appending: Contender[] = [
      { name: 'ours', round: () => timed(() => appends.ours(), perAppend) },
      { name: 'lmdb, one put', round: () => timed(() => appends.raw(), perAppend) },
    ]
    const serial: Contender[] = [
      { name: 'ours', round: async () => ({ cost: (await ours.serial()) * 1000, verified: true }) },
      { name: 'lmdb, fenced by hand', round: async () => ({ cost: (await raw.serial()) * 1000, verified: true }) },
    ]
    const rounds = 11
    const rows = [
      ...(await compare(
        grouped,
        [
          { subject: 'commit-grouped', ours: 'ours', peer: 'lmdb, same rows' },
          { subject: 'commit-grouped', ours: 'ours', peer: 'lmdb, one put' },
        ],
        { rounds, unit: 'us' },
      )),
      ...(await compare(serial, [{ subject: 'commit-serial', ours: 'ours', peer: 'lmdb, fenced by hand' }], { rounds, unit: 'us p50' })),
      ...(await compare(appending, [{ subject: 'journal-append', ours: 'ours', peer: 'lmdb, one put' }], { rounds, unit: 'us' })),
    ]
    await appends.journal.close()
    await durable.close()
    await raw.root.close()
    await Promise.all(places.map((path) => rm(path, { recursive: true, force: true })))
    return rows
  },
}
