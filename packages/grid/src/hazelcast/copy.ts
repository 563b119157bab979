import type { Client, EntryEvent, IMap } from 'hazelcast-client'
import { strongerReason } from '../feed/stronger-reason.ts'
import type { ResyncReason } from '../map/entry.ts'
import type { Clock } from '../time/clock.ts'
import type { Changes } from './changes.ts'
import type { Completeness } from './completeness.ts'
import { Deafness } from './deafness.ts'
import type { LostKeys } from './lost-keys.ts'
import { readAll } from './read-all.ts'
import { Overtaken, type Echo, type ReadScope } from './overtaken.ts'

export interface CopyOptions {
  /** Its name on the cluster. */
  readonly imap: string
  /** Real time. */
  readonly clock: Clock
  readonly sweepMs: number
  readonly changes: Changes
  readonly completeness: Completeness
  /** Of each session that writes, this one included: all its writes up to this number have ended. */
  readonly ended: () => Iterable<readonly [session: string, number: number]>
  /** How beats of this process come back to it. */
  readonly echo: () => Echo
  readonly lost: LostKeys
  /** The first load is done. */
  readonly onReady: () => void
  /** The listener does not hear any more: it has to be attached again. */
  readonly onDeaf: () => void
}

/** Older than this, a copy reads the map: whatever it is that keeps the proofs away. Less would be caused by mere load, and add to it. */
const COVER_MS = 250
/** After a change of members, partitions move for a while. */
const UNSETTLED_MS = 3000
/** So long after it was owed, a resync is not waited for any more by what could be told without it. */
const LATE_MS = 500

/**
 * Keeps the copy of one map fed: one entry listener, registered before the map is read, so that nothing falls between; and
 * further reads of it, or of the keys that are missing, whenever the listener may have missed something (I5).
 */
export class Copy {
  readonly #options: CopyOptions
  readonly #overtaken: Overtaken
  readonly #deafness = new Deafness()
  #registered: { readonly client: Client; readonly id: string } | undefined
  #imap: IMap<string, Buffer> | undefined
  /** Whether it was read. */
  #loading: Promise<boolean> | undefined
  /** What watchers are to be told with the next read. */
  #owed: ResyncReason | undefined
  /** What they are told with the read under way. */
  #telling: ResyncReason | undefined
  /** Since when. */
  #owedAtMs = -Infinity
  #loadedAtMs = -Infinity
  #tookMs = 0
  #unsettledUntilMs = -Infinity
  #ready = false
  #detach: () => void = () => {}

  constructor(options: CopyOptions) {
    this.#options = options
    const { clock, changes, echo } = options
    this.#overtaken = new Overtaken({ clock, known: changes.known, isLive: (known) => changes.isLive(known), echo })
  }

  get imap(): IMap<string, Buffer> | undefined {
    return this.#imap
  }

  /** A read under way, or the next, tells watchers a resync in any case; and it is not late. */
  get owesResync(): boolean {
    return this.#owes && this.#options.clock.now() - this.#owedAtMs < LATE_MS
  }

  get #owes(): boolean {
    return this.#owed !== undefined || this.#telling !== undefined
  }

  /** Throws whatever the client throws. */
  async attach(client: Client): Promise<void> {
    const imap = await client.getMap<string, Buffer>(this.#options.imap)
    let current = true
    const queue: (() => void)[] | undefined = this.#ready ? undefined : []
    const listen = (run: (event: EntryEvent<string, Buffer>) => void) => (event: EntryEvent<string, Buffer>) => {
      if (!current) return
      this.#deafness.heard()
      if (queue === undefined || this.#ready) run(event)
      else queue.push(() => run(event))
    }
    const { changes } = this.#options
    const stored = listen(({ key, value, oldValue }) => changes.stored(key, value, oldValue))
    const gone = listen(({ key, oldValue }) => changes.gone(key, oldValue))
    const merged = listen(({ key, value, oldValue }) => {
      changes.stored(key, value, oldValue)
      this.resync('merge')
    })
    const emptied = (): void => {
      this.#options.lost.emptied()
      this.resync('gap')
    }
    this.detach()
    this.#detach = () => {
      current = false
    }
    const before = this.#registered
    const id = await imap.addEntryListener(
      {
        added: stored,
        updated: stored,
        loaded: stored,
        merged,
        removed: gone,
        evicted: gone,
        expired: gone,
        mapCleared: emptied,
        mapEvicted: emptied,
      },
      undefined,
      true,
    )
    this.#registered = { client, id }
    if (before?.client === client) void imap.removeEntryListener(before.id).catch(() => {})
    this.#imap = imap
    if (queue === undefined) this.resync('reconnect')
    else await this.#loadFirst(queue)
  }

  /** The client is gone. */
  detach(): void {
    this.#detach()
    this.#options.completeness.lost()
    this.#imap = undefined
  }

  /** Changes may have been missed: watchers are told, with the present state. */
  resync(reason: ResyncReason): void {
    if (!this.#owes) this.#owedAtMs = this.#options.clock.now()
    this.#owed = strongerReason(this.#owed, reason)
    if (this.#loading === undefined) this.#begin()
  }

  /** Partitions move: it is read now, and again until that is over. */
  membersChanged(): void {
    this.#unsettledUntilMs = this.#options.clock.now() + UNSETTLED_MS
    this.resync('gap')
  }

  tick(nowMs: number): void {
    if (this.#imap === undefined || !this.#ready || this.#loading !== undefined) return
    const { completeness, sweepMs } = this.#options
    const idleMs = nowMs - this.#loadedAtMs
    const unsettled = nowMs < this.#unsettledUntilMs && idleMs > COVER_MS
    const old = nowMs - completeness.completeAtMs > COVER_MS && idleMs > COVER_MS
    // However slow reading is, it leaves the cluster alone most of the time.
    const due = unsettled || old || idleMs > sweepMs || (this.#owed !== undefined && idleMs > COVER_MS)
    if (due && idleMs > 10 * this.#tookMs) this.#begin()
  }

  /** Reads keys of which changes are missing. */
  async readKeys(keys: readonly string[]): Promise<void> {
    const imap = this.#imap
    if (imap === undefined) throw new Error('there is no connection')
    const { changes } = this.#options
    const scope = { since: changes.known.beginRead(), whole: false }
    try {
      const found = new Map(await imap.getAll([...keys]))
      const entries = keys.map((key) => [key, found.get(key) ?? null] as const)
      await this.#come(entries, scope, () => this.owesResync)
      await changes.reconcile(entries, scope)
    } finally {
      changes.known.endRead()
    }
  }

  /** Resolves after a read of the whole map that begins after this call. Throws if it failed. */
  async load(): Promise<void> {
    await this.#loading
    if (this.#loading === undefined) this.#begin()
    if (!(await this.#loading)) throw new Error('the map could not be read')
  }

  async #come(entries: Iterable<readonly [string, Buffer | null]>, scope: ReadScope, hurry: () => boolean): Promise<void> {
    const lost = await this.#overtaken.come(entries, scope, hurry)
    if (lost && this.#imap !== undefined && this.#deafness.lost(this.#options.clock.now())) this.#options.onDeaf()
  }

  #begin(): void {
    if (this.#imap === undefined) return
    const reason = this.#owed
    this.#owed = undefined
    this.#telling = reason
    const loading = this.#load(reason).then(
      () => true,
      () => false,
    )
    this.#loading = loading
    void loading.then((done) => {
      this.#loading = undefined
      this.#telling = undefined
      // It is tried again by a later tick.
      if (!done) {
        this.#owed = strongerReason(this.#owed, reason)
        this.#loadedAtMs = this.#options.clock.now()
      } else if (this.#owed !== undefined) this.#begin()
    })
  }

  async #load(reason: ResyncReason | undefined): Promise<void> {
    const { changes } = this.#options
    const scope = { since: changes.known.beginRead(), whole: true }
    try {
      await this.#reading(async (entries) => {
        await this.#come(entries, scope, () => reason !== undefined || this.#owed !== undefined)
        await changes.reconcile(entries, { ...scope, reason })
      })
    } finally {
      changes.known.endRead()
    }
  }

  async #loadFirst(queue: (() => void)[]): Promise<void> {
    const imap = this.#imap
    await this.#reading(async (entries) => {
      await this.#options.changes.first(entries)
      // Then the next connection reads it all again: what came by this one ended in the middle.
      if (this.#imap !== imap) throw new Error('the connection was lost')
      this.#ready = true
      for (const run of queue.splice(0)) run()
    })
    this.#options.onReady()
  }

  async #reading(take: (entries: Iterable<readonly [string, Buffer]>) => Promise<void>): Promise<void> {
    const { clock, changes, completeness, ended } = this.#options
    const startedAtMs = clock.now()
    const covered = [...ended()]
    const entries = await readAll(this.#imap as IMap<string, Buffer>)
    this.#tookMs = clock.now() - startedAtMs
    await take(entries)
    for (const [session, number] of covered) changes.covered(session, number)
    completeness.loaded(startedAtMs)
    this.#options.lost.read(startedAtMs)
    this.#loadedAtMs = clock.now()
  }
}
