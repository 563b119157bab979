import { connectBucket, openS3, type ObjectBucket } from '@stigmergy/grid/s3'
import type { Store } from '@stigmergy/grid/store'
import { findVersitygw, startVersitygw } from '../../components/versitygw.ts'
import type { Row } from '../bench.ts'
import { compare, median, type Contender } from '../compare.ts'
import { fence, timed, value } from './raw-lmdb.ts'

const SERIAL = 40
const IDS = 32
const TURNS = 3
const ROUNDS = 9
const REVISIONS = 5
/** Of the object that the store writes: five revisions of 200 bytes, and what goes with them. */
const OBJECT_BYTES = 1200

type Round = Contender['round']

function ours(store: Store): { readonly serial: Round; readonly grouped: Round } {
  let rev = 0
  let turn = 0
  return {
    async serial() {
      const times: number[] = []
      for (let each = 0; each < SERIAL; each++) {
        const began = performance.now()
        rev = await store.commit('serial', rev, fence, value(rev + 1))
        times.push(performance.now() - began)
      }
      const read = await store.get('serial')
      return { cost: median(times) * 1000, verified: read?.rev === rev && value(rev).equals(read.value) }
    },
    grouped: () =>
      timed(IDS * TURNS, async () => {
        for (let each = 0; each < TURNS; each++, turn++) {
          const commits = Array.from({ length: IDS }, (_, id) => ({ id: `g-${id}`, expectedRev: turn, fence, value: value(turn + 1) }))
          const outcomes = await store.commitEach(commits)
          if (!outcomes.every(({ ok }) => ok)) return false
        }
        return (await store.get('g-7'))?.rev === turn
      }),
  }
}

/** The same client, one conditional PUT a commit, of as many bytes. What was lost is not looked for, nothing is tried again. */
function raw(bucket: ObjectBucket): { readonly serial: Round; readonly grouped: Round } {
  const tags = new Map<string, string>()
  let count = 0
  async function put(key: string): Promise<Buffer> {
    const bytes = Buffer.alloc(OBJECT_BYTES, (count += 1))
    bytes.writeUInt32BE(count)
    const before = tags.get(key)
    const tag = await bucket.put(key, bytes, before === undefined ? { ifAbsent: true } : { ifMatch: before })
    if (tag === undefined) throw new Error('conflict')
    tags.set(key, tag)
    return bytes
  }
  const holds = async (key: string, bytes: Buffer | undefined): Promise<boolean> =>
    bytes !== undefined && bytes.equals((await bucket.get(key))?.bytes ?? Buffer.alloc(0))
  return {
    async serial() {
      const times: number[] = []
      let last: Buffer | undefined
      for (let each = 0; each < SERIAL; each++) {
        const began = performance.now()
        last = await put('raw/serial')
        times.push(performance.now() - began)
      }
      return { cost: median(times) * 1000, verified: await holds('raw/serial', last) }
    },
    grouped: () =>
      timed(IDS * TURNS, async () => {
        let last: readonly Buffer[] = []
        for (let each = 0; each < TURNS; each++) last = await Promise.all(Array.from({ length: IDS }, (_, id) => put(`raw/g-${id}`)))
        return holds('raw/g-7', last[7])
      }),
  }
}

/** Our store on a real versitygw, against conditional PUTs by the same client (s3mini) on the same server. */
export async function objects(kind: 'grouped' | 'serial'): Promise<readonly Row[]> {
  const program = await findVersitygw()
  if (program === undefined) {
    console.error('bench store: no rows on S3, as there is no Go to build versitygw with')
    return []
  }
  await using server = await startVersitygw(program)
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  const bucket = await connectBucket({ endpoint, region, accessKeyId, secretAccessKey, bucket: server.bucket })
  await using durable = await openS3({ bucket, prefix: 'ours/', revisions: REVISIONS })
  const contenders = [
    { name: 'ours', round: ours(durable.store)[kind] },
    { name: 'conditional PUT', round: raw(bucket)[kind] },
  ]
  const pairs = [{ subject: `s3-commit-${kind}, process`, ours: 'ours', peer: 'conditional PUT' }]
  return await compare(contenders, pairs, { rounds: ROUNDS, unit: kind === 'serial' ? 'us p50' : 'us' })
}
