import { systemClock, type Clock, type TimerHandle } from '../time/clock.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { withDeadline } from '../store/deadline.ts'
import { StoreError, isStoreError } from '../store/errors.ts'
import { badOption, checkCount, checkFence, checkNames } from '../store/rules.ts'
import type { Fence, Store } from '../store/store.ts'
import type { Audit, AuditEntry } from './audit.ts'
import { deliverLeft } from './deliver-left.ts'
import { deliverOutbox, refuseForeign } from './deliver.ts'
import { takeDocument, takeTrace } from './document.ts'
import { checkName, packEntry, readEntry, recordId, tagName, versionTag } from './entry.ts'

export interface AuditOptions {
  /** Where each version is kept first. */
  readonly store: Pick<Store, 'commit' | 'get' | 'outbox' | 'revisions' | 'settle'> & Partial<Pick<Store, 'scan'>>
  /** Where all versions go: on disk or in a bucket. */
  readonly blobs: Pick<Blobs, 'put' | 'readAll' | 'resolve' | 'tag' | 'tags'>
  /** Who records: the fence of the planner's lease. */
  readonly fence: Fence
  /** How many versions of a name may wait for the blobs. @default 1000 */
  readonly maxUndelivered?: number
  /** @default systemClock() */
  readonly clock?: Clock
}

interface Line {
  /** Records of a name follow each other. */
  tail: Promise<unknown>
  rev: number | undefined
  undelivered: number
  /** Recorded since the outbox was looked at last. */
  since: number
  delivering: Promise<void> | undefined
  /** Why the last delivery failed, if it did. */
  failure: unknown
  /** How often in a row. */
  failures: number
  retry: TimerHandle
}

// What failed is tried again after so long, then after twice as long, and so on.
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000
const pauseMs = (times: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** times)

/** So many names are delivered at a time where all are. */
const AT_ONCE = 16
/** How long `close` waits for the blobs. */
const CLOSE_MS = 10_000

/** Opens an audit trail over a store and blobs. Throws `StoreError` BAD_OPTION. */
export function openAudit(options: AuditOptions): Audit {
  checkNames('openAudit', options, ['store', 'blobs', 'fence', 'maxUndelivered', 'clock'])
  const { store, blobs, clock = systemClock() } = options
  if (typeof store?.commit !== 'function') throw badOption('store', store, 'a store, such as that of openDurable or openS3')
  if (typeof blobs?.put !== 'function') throw badOption('blobs', blobs, 'blobs, such as those of openDurable or openS3Blobs')
  const fence = checkFence(options.fence)
  const maxUndelivered = checkCount('maxUndelivered', options.maxUndelivered ?? 1000, 1)
  const lines = new Map<string, Line>()
  const counts = { recorded: 0, delivered: 0, failed: 0, lastError: undefined as unknown }
  const closing = new AbortController()
  let sweeping: Promise<void> = Promise.resolve()
  let sweepAgain: TimerHandle

  function lineOf(name: string): Line {
    checkName(name)
    let line = lines.get(name)
    if (line === undefined)
      lines.set(
        name,
        (line = {
          tail: Promise.resolve(),
          rev: undefined,
          undelivered: 0,
          since: 0,
          delivering: undefined,
          failure: undefined,
          failures: 0,
          retry: undefined,
        }),
      )
    return line
  }

  async function commit(name: string, line: Line, document: unknown, trace: AuditEntry['trace']): Promise<number> {
    const id = recordId(name)
    for (;;) {
      if (line.rev === undefined) {
        const kept = await store.get(id)
        if (kept === undefined) await refuseForeign({ store, blobs, name }, clock)
        line.rev = kept?.rev ?? 0
        line.undelivered = (await store.outbox(id)).length
      }
      // No version after it would reach the blobs either, unless what stood there is gone.
      if (isStoreError(line.failure, 'TAG_CONFLICT')) await deliver(name, line)
      if (line.undelivered >= maxUndelivered) throw busy(name, line)
      const version = line.rev + 1
      const at = new Date(clock.wallNow()).toISOString()
      const bytes = packEntry({ schema_version: 1, name, version, trace, owner: fence.owner, fence: fence.token, at, document })
      try {
        await store.commit(id, line.rev, fence, bytes, [bytes])
      } catch (error) {
        // Not known any more: it is read again before the next one.
        line.rev = undefined
        if (isStoreError(error, 'STORE_CONFLICT')) continue
        throw error
      }
      line.rev = version
      line.undelivered += 1
      line.since += 1
      counts.recorded += 1
      return version
    }
  }

  function busy(name: string, line: Line): StoreError {
    deliver(name, line).catch(() => undefined)
    const { undelivered, failure } = line
    const text = `${undelivered} versions of ${name} wait for the blobs; maxUndelivered is ${maxUndelivered}`
    if (!(failure instanceof Error)) return new StoreError('STORE_BUSY', text)
    return new StoreError('STORE_BUSY', `${text}; the last delivery failed: ${failure.message}`, { cause: failure })
  }

  function deliver(name: string, line: Line): Promise<void> {
    line.delivering ??= deliverOutbox(
      { store, blobs, fence, name },
      {
        looking: () => (line.since = 0),
        // Whoever else has delivered meanwhile: only what came after the look can be left.
        empty: () => (line.undelivered = line.since),
        delivered(count) {
          counts.delivered += count
          line.undelivered = Math.max(0, line.undelivered - count)
        },
      },
    )
      .then(
        () => {
          line.failure = undefined
          line.failures = 0
          clock.clearTimeout(line.retry)
        },
        (error: unknown) => {
          counts.failed += 1
          counts.lastError = line.failure = error
          again(name, line)
          throw error
        },
      )
      .finally(() => (line.delivering = undefined))
    return line.delivering
  }

  /** Tries a failed delivery again in a while, but not where only somebody else can help: then with the next record. */
  function again(name: string, line: Line): void {
    clock.clearTimeout(line.retry)
    if (closing.signal.aborted || isStoreError(line.failure, 'TAG_CONFLICT') || isStoreError(line.failure, 'STORE_FENCED')) return
    line.retry = clock.setTimeout(() => void deliver(name, line).catch(() => undefined), pauseMs(line.failures))
    line.failures += 1
  }

  async function flushOne(name: string): Promise<void> {
    const line = lineOf(name)
    await line.tail
    // One that began before the last record may have ended without it.
    await line.delivering?.catch(() => undefined)
    await deliver(name, line)
  }

  /** What a process before this one has left is delivered as well, though nobody names it. */
  async function sweep(scan: Store['scan'], times: number): Promise<void> {
    const tell = { looking: () => undefined, empty: () => undefined, delivered: (count: number) => void (counts.delivered += count) }
    try {
      await deliverLeft({ store, blobs, fence, scan, known: (name) => lines.has(name), signal: closing.signal }, tell)
    } catch (error) {
      if (closing.signal.aborted) return
      counts.failed += 1
      counts.lastError = error
      sweepAgain = clock.setTimeout(() => {
        sweeping = sweep(scan, times + 1)
      }, pauseMs(times))
    }
  }

  const audit: Audit = {
    async record(name, document, given = {}) {
      if (closing.signal.aborted) throw new StoreError('CLOSED', 'the audit trail is closed')
      const line = lineOf(name)
      checkNames('record', given, ['trace'])
      const context = takeTrace(given.trace)
      const taken = takeDocument(document)
      const committed = line.tail.then(() => commit(name, line, taken, context))
      line.tail = committed.catch(() => undefined)
      const version = await committed
      deliver(name, line).catch(() => undefined)
      return { version }
    },
    async read<T>(name: string, version?: number) {
      const id = recordId(name)
      const kept = version === undefined ? await store.get(id) : (await store.revisions(id)).find(({ rev }) => rev === version)
      if (kept !== undefined || version === undefined) return kept && (readEntry(kept.value, name) as AuditEntry<T>)
      checkCount('version', version, 1)
      // Acknowledged, and not in the blobs yet. Asked before them: what leaves the outbox is there already.
      for (const { value } of await store.outbox(id)) {
        const entry = readEntry(value, name)
        if (entry.version === version) return entry as AuditEntry<T>
      }
      try {
        const bytes = await blobs.readAll(`${tagName(name)}@${versionTag(version)}`)
        return readEntry(bytes, name) as AuditEntry<T>
      } catch (error) {
        if (isStoreError(error, 'BLOB_MISSING')) return undefined
        throw error
      }
    },
    async versions(name) {
      return (await blobs.tags(tagName(name))).map(({ version }) => Number.parseInt(version, 10))
    },
    async flush(name) {
      const failures: unknown[] = []
      const names = name === undefined ? [...lines.keys()] : [name]
      // One name that is stuck keeps none of the others.
      for (let at = 0; at < names.length; at += AT_ONCE) {
        const ended = await Promise.allSettled(names.slice(at, at + AT_ONCE).map(flushOne))
        failures.push(...ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : [])))
      }
      if (failures.length > 0) throw failures[0]
    },
    stats: () => ({ ...counts }),
    async close() {
      if (closing.signal.aborted) return
      closing.abort()
      for (const { retry } of lines.values()) clock.clearTimeout(retry)
      clock.clearTimeout(sweepAgain)
      const over = Promise.allSettled([audit.flush(), sweeping])
      await withDeadline(over, clock, CLOSE_MS, 'delivering what waits').catch(() => undefined)
    },
    [Symbol.asyncDispose]: () => audit.close(),
  }
  if (store.scan !== undefined) sweeping = sweep(store.scan.bind(store), 0)
  return audit
}
