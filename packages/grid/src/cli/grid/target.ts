import { stat } from 'node:fs/promises'
import { GridError, quote } from '../../errors.ts'
import { StoreError } from '../../store/errors.ts'
import type { MapEntries } from '../../durable/map-entries.ts'
import type { CliIo, ExitCode } from '../command.ts'
import { size } from '../table.ts'
import { visible } from '../values.ts'
import type { TellBroken } from '../../store/tell-broken.ts'
import { isDamage } from './damage.ts'
import { openCluster } from './cluster-target.ts'
import type { GridReader } from './reader.ts'

/** What every command that opens a place says of its first argument. */
export const TARGET = 'PLACE'

const GIVE =
  'give the directory of openDurable({ path }) or embedded({ path }), s3://BUCKET/PREFIX of openS3, or hazelcast://HOST:PORT/CLUSTER'

/** Opens the place a person named, to look only, uses it and closes it. Backends are loaded here and not before. */
export async function withTarget(target: string | undefined, io: CliIo, use: (reader: GridReader) => Promise<ExitCode>): Promise<ExitCode> {
  const place = target ?? ''
  const reader = await openPlace(place, io.env)
  try {
    return await use(reader)
  } catch (error) {
    // Bad input is another matter: here a good question met something damaged.
    if (io.signal.aborted || !isDamage(error)) throw error
    io.err(visible(error.message))
    return 1
  } finally {
    await reader.close()
  }
}

function openPlace(place: string, env: CliIo['env']): Promise<GridReader> {
  if (place.startsWith('s3://')) return openBucket(place, env)
  return place.startsWith('hazelcast://') ? openCluster(place) : openDirectory(place)
}

async function openDirectory(path: string): Promise<GridReader> {
  if (/^[a-z\d]+:\/\//i.test(path)) throw new GridError('BAD_OPTION', `${quote(path)} cannot be looked into: ${GIVE}`)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new GridError('BAD_OPTION', `there is no directory ${quote(path)}: ${GIVE}`)
  if (!found.isDirectory()) throw new GridError('BAD_OPTION', `${quote(path)} is a file: give the directory it is in`)
  const { openDurableReader } = await import('../../durable/durable-reader.ts').catch((error: unknown) => {
    const absent = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
    throw absent ? new GridError('UNSUPPORTED', 'the package lmdb 3.5.6 is not installed: add it to read a durable grid') : error
  })
  const reader = await openDurableReader(path)
  const { maps } = reader
  return {
    ...reader,
    maps: { ...maps, count: (map, tell) => countKeys(maps, map, tell) },
    about: `${size(reader.bytes)}, schema version ${reader.schemaVersion}`,
  }
}

/** Those that cannot be read as well. */
function countKeys(maps: MapEntries, map: string, tell?: TellBroken): number {
  let broken = 0
  const keys = maps.keys(map, (what, error) => {
    broken += 1
    tell?.(what, error)
  })
  return keys.length + broken
}

async function openBucket(url: string, env: CliIo['env']): Promise<GridReader> {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(url) ?? []
  const need = (name: string): string => {
    const value = env[name]
    if (value !== undefined && value !== '') return value
    throw new GridError('BAD_OPTION', `${name} is not set: to look into ${quote(url)} set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`)
  }
  const region = env['AWS_REGION'] ?? 'us-east-1'
  const endpoint = env['AWS_ENDPOINT_URL'] ?? `https://s3.${region}.amazonaws.com`
  const account = { accessKeyId: need('AWS_ACCESS_KEY_ID'), secretAccessKey: need('AWS_SECRET_ACCESS_KEY') }
  const { connectBucket } = await import('../../s3/connect-bucket.ts')
  const { openS3Reader } = await import('../../s3/s3-reader.ts')
  const reader = await openS3Reader({ bucket: await connectBucket({ endpoint, bucket, region, ...account }), prefix })
  return {
    ...reader,
    about: `schema version ${reader.schemaVersion}`,
    bytes: null,
    maps: { names: () => [], keys: () => [], count: () => 0, entry: () => undefined },
    journalNames: () => [],
    journals: () => [],
    journal(name) {
      throw new StoreError('BAD_ID', `there is no journal ${quote(name)}: a bucket holds none`)
    },
  }
}
