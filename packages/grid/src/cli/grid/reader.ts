import type { DurableReader, JournalEntry, LeaseEntry } from '../../durable/durable-reader.ts'
import type { StoredMapEntry } from '../../durable/map-entries.ts'
import type { BlobTag } from '../../blobs/blobs.ts'
import type { TellBroken } from '../../store/tell-broken.ts'
import type { HazelcastReader } from '../../hazelcast/hazelcast-reader.ts'

/** What the commands look at, wherever it is. A bucket has neither maps nor journals to name, a cluster has maps only. */
export interface GridReader extends Pick<DurableReader, 'blobs' | 'close' | 'store'> {
  /** What is known of it in a word or two: `94 kB, schema version 2`. */
  readonly about: string
  readonly schemaVersion: number | null
  readonly bytes: number | null
  readonly maps: MapsToLookAt
  ids(): AsyncIterable<string> | Iterable<string>
  leases(broken?: TellBroken): AsyncIterable<LeaseEntry> | Iterable<LeaseEntry>
  tags(broken?: TellBroken): AsyncIterable<BlobTag>
  journalNames(): readonly string[]
  journals(broken?: TellBroken): readonly JournalEntry[]
  journal(name: string): ReturnType<DurableReader['journal']>
}

type Soon<T> = T | Promise<T>

export interface MapsToLookAt {
  names(): Soon<readonly string[]>
  keys(map: string, broken?: TellBroken): Soon<readonly string[]>
  count(map: string, broken?: TellBroken): Soon<number>
  entry(map: string, key: string): Soon<StoredMapEntry | undefined>
  /** Where maps, not journals, are followed. */
  readonly changes?: Pick<HazelcastReader, 'follow' | 'newest'>
}
