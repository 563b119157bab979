import { openDurable, type Durable } from '@stigmergy/grid/durable'
import type { Row } from '../bench.ts'
import { compare } from '../compare.ts'
import { binary, inPlaces, numbered, openRawRoot, reached, timed, value } from './raw-lmdb.ts'

const APPENDS = 20_000
const AT_ONCE = 1000
const ROUNDS = 11
const KEY = Buffer.from('bench')

function openRaw(path: string) {
  const root = openRawRoot(path)
  const records = root.openDB('records', binary)
  const heads = root.openDB('heads', { ...binary, useVersions: true })
  const [batchKey, producerKey] = [Buffer.from('batches'), Buffer.from('producer')]
  let offset = 0
  let batch = 0
  let version = 0

  /** As a journal must: the end and the producer's last number are written with the records, if nobody else has moved the end. */
  async function append(write: () => void): Promise<void> {
    const all = (): void => {
      write()
      void heads.put(KEY, Buffer.alloc(9), version + 1)
      void heads.put(producerKey, Buffer.alloc(9), 1)
    }
    root.resetReadTxn()
    const seen = heads.getEntry(KEY)
    const done = await (seen === undefined ? heads.ifNoExists(KEY, all) : heads.ifVersion(KEY, version, all))
    if (!done) throw new Error('conflict')
    version += 1
    await reached(root, 'process')
  }

  return {
    close: () => root.close(),
    /** A row for each record: `producer seq value` under its offset. */
    async each(): Promise<boolean> {
      for (let done = 0; done < APPENDS; done += AT_ONCE) {
        await append(() => {
          for (let one = 0; one < AT_ONCE; one++) {
            offset += 1
            void records.put(numbered(KEY, offset), Buffer.concat([producerKey, Buffer.from([offset]), value(offset)]))
          }
        })
      }
      root.resetReadTxn()
      return records.get(numbered(KEY, offset))?.subarray(-200).equals(value(offset)) === true
    },
    /** One row for the thousand records, their bytes joined: the least there is to write. */
    async joined(): Promise<boolean> {
      for (let done = 0; done < APPENDS; done += AT_ONCE) {
        batch += 1
        const bytes = Buffer.concat(Array.from({ length: AT_ONCE }, (_, at) => value(batch + at)))
        await append(() => void records.put(numbered(batchKey, batch), bytes))
      }
      root.resetReadTxn()
      return records.get(numbered(batchKey, batch))?.subarray(0, 200).equals(value(batch)) === true
    },
  }
}

function openOurs(durable: Durable) {
  const journal = durable.journal('bench')
  let seq = 0
  return {
    close: () => journal.close(),
    async append(): Promise<boolean> {
      for (let done = 0; done < APPENDS; done += AT_ONCE) {
        const all: Promise<unknown>[] = []
        for (let each = 0; each < AT_ONCE; each++) all.push(journal.append('producer', (seq += 1), value(seq)))
        await Promise.all(all)
      }
      const { end } = await journal.extent()
      const [last] = await journal.read(end - 1)
      return end === seq && last?.seq === seq && value(seq).equals(last.value)
    },
  }
}

/** 20,000 records of 200 bytes, a thousand of them under way at a time, each acknowledged by itself; the last one is read again. */
export function appends(): Promise<readonly Row[]> {
  return inPlaces(async (ourPlace, rawPlace) => {
    const durable = await openDurable({ path: ourPlace })
    const ours = openOurs(durable)
    const raw = openRaw(rawPlace)
    const contenders = [
      { name: 'ours', round: () => timed(APPENDS, () => ours.append()) },
      { name: 'lmdb, a row each', round: () => timed(APPENDS, () => raw.each()) },
      { name: 'lmdb, a row per thousand', round: () => timed(APPENDS, () => raw.joined()) },
    ]
    const pairs = contenders.slice(1).map(({ name: peer }) => ({ subject: 'journal-append, process', ours: 'ours', peer }))
    try {
      return await compare(contenders, pairs, { rounds: ROUNDS, unit: 'us' })
    } finally {
      await ours.close()
      await durable.close()
      await raw.close()
    }
  })
}
