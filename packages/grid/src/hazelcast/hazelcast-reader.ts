import type { DistributedObject, EntryEvent, IMap } from 'hazelcast-client'
import { createCodec } from '../map/codec.ts'
import type { StoredMapEntry } from '../durable/map-entries.ts'
import { GridError, quote } from '../errors.ts'
import { BEATS } from './backend.ts'
import { toGridError } from './client-errors.ts'
import { dial } from './dial.ts'
import { readFrame } from './frame.ts'
import { probe } from './manifest.ts'
import { resolveHazelcastOptions, type HazelcastOptions } from './options.ts'

export type HazelcastReaderOptions = Pick<HazelcastOptions, 'clusterName' | 'members' | 'tls' | 'connectTimeoutMs' | 'deadlineMs' | 'clock'>

/** A change as it comes by: an entry, or the version of its removal. */
export type SeenChange =
  | { readonly type: 'put'; readonly entry: StoredMapEntry }
  | { readonly type: 'remove'; readonly key: string; readonly version: number }
  /** It was not stored by a grid, or is damaged. */
  | { readonly type: 'unreadable'; readonly key: string; readonly why: string }

/**
 * The maps of a live cluster, for people and tools that look: one more client, which changes no map, sends no beat and is no part of any
 * grid. Every call ends by `deadlineMs`, and throws `GridError` TIMEOUT, OFFLINE or, for one entry, BAD_ENVELOPE or NEWER_FORMAT.
 */
export interface HazelcastReader extends AsyncDisposable {
  readonly product: string
  readonly versions: readonly string[]
  readonly members: number
  readonly cp: boolean
  /** Names of all maps on the cluster, with the prefix of their grid; that of the beats is left out. */
  names(): Promise<readonly string[]>
  /** Entries of a map; marks of removed ones are among them until they are forgotten. */
  size(map: string): Promise<number>
  keys(map: string): Promise<readonly string[]>
  /** Undefined if there is none, or it was removed. */
  entry(map: string, key: string): Promise<StoredMapEntry | undefined>
  /** The `count` changes with the greatest versions, in their order. Reads the whole map. */
  newest(map: string, count: number): Promise<readonly SeenChange[]>
  /** Tells every change from now on, until the signal is aborted; rejects when the connection is lost. */
  follow(map: string, tell: (change: SeenChange) => void, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

const DEADLINE_MS = 5000

/** Throws `GridError` BAD_OPTION or CONNECT_FAILED. */
export async function openHazelcastReader(options: HazelcastReaderOptions): Promise<HazelcastReader> {
  const resolved = resolveHazelcastOptions({ deadlineMs: DEADLINE_MS, ...options })
  const { clock, deadlineMs, connectTimeoutMs } = resolved
  let lost: () => void = () => undefined
  const gone = new Promise<never>((_resolve, reject) => {
    lost = () => reject(new GridError('OFFLINE', 'the connection to the cluster was lost'))
  })
  gone.catch(() => undefined)
  const onState = (state: string): void => (state === 'SHUTDOWN' || state === 'DISCONNECTED' ? lost() : undefined)
  const client = await dial(resolved, connectTimeoutMs, { onState, onMember: () => undefined })
  const codec = createCodec()

  /** A member that hangs answers nothing, and the client would wait for a minute. */
  async function within<T>(what: string, asked: Promise<T>): Promise<T> {
    let timer: unknown
    const late = new Promise<never>((_resolve, reject) => {
      timer = clock.setTimeout(() => reject(new GridError('TIMEOUT', `${what} took longer than ${deadlineMs} ms`)), deadlineMs)
    })
    try {
      return await Promise.race([asked, late, gone])
    } catch (error) {
      throw toGridError(error, what)
    } finally {
      clock.clearTimeout(timer)
    }
  }

  const mapOf = (name: string): Promise<IMap<string, unknown>> => within(`opening map ${quote(name)}`, client.getMap<string, unknown>(name))

  function read(key: string, stored: unknown): SeenChange {
    const frame = readFrame(stored)
    if (frame === undefined) return { type: 'unreadable', key, why: 'it was not stored by a grid, or is damaged' }
    const { kind, version, bytes } = frame
    if (kind === 'remove') return { type: 'remove', key, version }
    const { header, body } = codec.read(bytes)
    return body === undefined ? { type: 'remove', key, version } : { type: 'put', entry: { key, version, header, body } }
  }

  function tryRead(key: string, stored: unknown): SeenChange {
    try {
      return read(key, stored)
    } catch (error) {
      return { type: 'unreadable', key, why: (error as Error).message }
    }
  }

  const { server } = await within('asking the cluster what it is', probe(client, clock))
  const reader: HazelcastReader = {
    ...{ product: 'hazelcast', versions: [], members: 0, cp: false, ...server },
    async names() {
      const objects: readonly DistributedObject[] = await within('asking for the maps', client.getDistributedObjects())
      const maps = objects.filter((object) => object.getServiceName() === 'hz:impl:mapService').map((object) => object.getName())
      return maps.filter((name) => !name.endsWith(BEATS) && !name.startsWith('__')).toSorted()
    },
    async size(map) {
      return within(`counting map ${quote(map)}`, (await mapOf(map)).size())
    },
    async keys(map) {
      const keys = await within(`the keys of map ${quote(map)}`, (await mapOf(map)).keySet())
      return Array.from(keys, String)
    },
    async entry(map, key) {
      const stored = await within(`${quote(key)} of map ${quote(map)}`, (await mapOf(map)).get(key))
      if (stored === null || stored === undefined) return undefined
      const found = read(key, stored)
      if (found.type === 'unreadable') throw new GridError('BAD_ENVELOPE', `${quote(key)} of map ${quote(map)}: ${found.why}`)
      return found.type === 'put' ? found.entry : undefined
    },
    async newest(map, count) {
      const all = await within(`reading map ${quote(map)}`, (await mapOf(map)).entrySet())
      const changes = all.map(([key, stored]) => tryRead(String(key), stored))
      return changes.toSorted((a, b) => versionOf(a) - versionOf(b)).slice(changes.length - Math.min(count, changes.length))
    },
    async follow(map, tell, signal) {
      const followed = await mapOf(map)
      const changed = ({ key, value }: EntryEvent<string, unknown>): void => tell(tryRead(String(key), value))
      const id = await within(
        `listening to map ${quote(map)}`,
        followed.addEntryListener({ added: changed, updated: changed }, undefined, true),
      )
      let end: () => void = () => undefined
      const ended = new Promise<void>((resolve) => (end = resolve))
      signal.addEventListener('abort', end)
      try {
        if (!signal.aborted) await Promise.race([ended, gone])
      } finally {
        signal.removeEventListener('abort', end)
        await within('ending to listen', followed.removeEntryListener(id)).catch(() => undefined)
      }
    },
    async close() {
      await within('closing', client.shutdown()).catch(() => undefined)
    },
    [Symbol.asyncDispose]: () => reader.close(),
  }
  return reader
}

function versionOf(change: SeenChange): number {
  return change.type === 'put' ? change.entry.version : change.type === 'remove' ? change.version : 0
}
