import { openDurable, type Durable } from '@stigmergy/grid/durable'
import type { Row } from '../bench.ts'
import { compare, median } from '../compare.ts'
import { binary, fence, inPlaces, numbered, openRawRoot, reached, timed, value, type Level } from './raw-lmdb.ts'

const AGENTS = 1000
const TURNS = { process: 10, host: 3 }
const SERIAL = { process: 300, host: 60 }
const ROUNDS = 11
const REVISIONS = 5

const ids = Array.from({ length: AGENTS }, (_, at) => `agent-${at}`)
const keys = ids.map((id) => Buffer.from(id))

/** The same rows as the store's, without envelope, check sum, fence and condition: a head, a revision, and the removal of the oldest. */
function openRaw(path: string, level: Level) {
  const root = openRawRoot(path)
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
    close: () => root.close(),
    async grouped(): Promise<boolean> {
      for (let each = 0; each < TURNS[level]; each++) {
        turn += 1
        const bytes = value(turn)
        for (const key of keys) rows(key, turn, bytes)
        await reached(root, level)
      }
      root.resetReadTxn()
      return revisions.get(numbered(keys[7] as Buffer, turn))?.equals(value(turn)) === true
    },
    /** One put of the value under the agent's id: no revisions kept. */
    async plain(): Promise<boolean> {
      for (let each = 0; each < TURNS[level]; each++) {
        turn += 1
        const bytes = value(turn)
        for (const key of keys) void root.put(key, bytes)
        await reached(root, level)
      }
      root.resetReadTxn()
      return root.get(keys[7] as Buffer)?.equals(value(turn)) === true
    },
    /** A fenced transaction by hand: read, look at the fence, write if nobody else did. */
    async serial(): Promise<{ readonly cost: number; readonly verified: boolean }> {
      const key = Buffer.from('serial')
      const times: number[] = []
      let rev = 0
      for (let each = 0; each < SERIAL[level]; each++) {
        const began = performance.now()
        root.resetReadTxn()
        const seen = heads.getEntry(key)
        if (seen !== undefined && seen.value[0] !== 1) throw new Error('fenced')
        rev = (seen?.version ?? 0) + 1
        const write = (): void => rows(key, rev, value(rev))
        const done = await (seen === undefined ? heads.ifNoExists(key, write) : heads.ifVersion(key, seen.version, write))
        if (!done) throw new Error('conflict')
        if (level === 'host') await reached(root, level)
        times.push(performance.now() - began)
      }
      root.resetReadTxn()
      return { cost: median(times) * 1000, verified: revisions.get(numbered(key, rev))?.equals(value(rev)) === true }
    },
  }
}

function openOurs({ store }: Durable, level: Level) {
  let turn = 0
  let rev = 0
  return {
    async grouped(): Promise<boolean> {
      for (let each = 0; each < TURNS[level]; each++) {
        const bytes = value(turn + 1)
        const before = turn
        await Promise.all(ids.map((id) => store.commit(id, before, fence, bytes)))
        turn += 1
      }
      const read = await store.get('agent-7')
      return read?.rev === turn && value(turn).equals(read.value)
    },
    async serial(): Promise<{ readonly cost: number; readonly verified: boolean }> {
      const times: number[] = []
      for (let each = 0; each < SERIAL[level]; each++) {
        const began = performance.now()
        rev = await store.commit('serial', rev, fence, value(rev + 1))
        times.push(performance.now() - began)
      }
      const read = await store.get('serial')
      return { cost: median(times) * 1000, verified: read?.rev === rev && value(rev).equals(read.value) }
    },
  }
}

/** A thousand agents at once, or one after the other: commits of 200 bytes with fence check, five revisions kept. */
export function commits(kind: 'grouped' | 'serial', level: Level): Promise<readonly Row[]> {
  return inPlaces(async (ourPlace, rawPlace) => {
    const durable = await openDurable({ path: ourPlace, revisions: REVISIONS, level })
    const ours = openOurs(durable, level)
    const raw = openRaw(rawPlace, level)
    const subject = `commit-${kind}, ${level}`
    try {
      if (kind === 'serial') {
        const contenders = [
          { name: 'ours', round: () => ours.serial() },
          { name: 'lmdb, fenced by hand', round: () => raw.serial() },
        ]
        return await compare(contenders, [{ subject, ours: 'ours', peer: 'lmdb, fenced by hand' }], { rounds: ROUNDS, unit: 'us p50' })
      }
      const count = AGENTS * TURNS[level]
      const contenders = [
        { name: 'ours', round: () => timed(count, () => ours.grouped()) },
        { name: 'lmdb, same rows', round: () => timed(count, () => raw.grouped()) },
        { name: 'lmdb, one put', round: () => timed(count, () => raw.plain()) },
      ]
      const pairs = ['lmdb, same rows', 'lmdb, one put'].map((peer) => ({ subject, ours: 'ours', peer }))
      return await compare(contenders, pairs, { rounds: ROUNDS, unit: 'us' })
    } finally {
      await durable.close()
      await raw.close()
    }
  })
}
