import { randomBytes } from 'node:crypto'
import type { TimerHandle } from '../../time/clock.ts'
import type { GridDriver } from '../../driver.ts'
import { withDeadline } from '../../store/deadline.ts'
import type { Environment } from '../environment.ts'
import type { GroupCommit } from '../group-commit.ts'
import { RowKind } from '../row-kind.ts'
import { ChangeLog, GRID, type Logged } from './change-log.ts'
import { openDoorbell, type Doorbell } from './doorbell.ts'
import { createMachineClock, type MachineClock } from './machine-clock.ts'
import { packRecord, SESSION_LENGTH, toRecordRow, type RecordRow } from './rows.ts'
import { SharedMap } from './shared-map.ts'
import { Publish } from './writes.ts'

export interface SharedGridOptions {
  /** How often to look for what a lost ring did not tell. */
  readonly pollMs: number
  readonly maxLogEntries: number
  readonly maxLogBytes: number
  /** For tests: see `createMachineClock`. */
  readonly machineMs?: () => number
}

type Receive = (message: Uint8Array) => void

const REAP_EVERY = 20

/** The maps and topics of one directory, for all grids of this process. */
export class SharedGrid {
  /** Looks that failed; the age of the copies then grows, which tells those who must know. */
  failures = 0
  readonly #environment: Environment
  readonly #options: SharedGridOptions
  readonly #machine: MachineClock
  readonly #log: ChangeLog
  readonly #group: GroupCommit
  readonly #kind: RowKind<RecordRow>
  readonly #maps = new Map<string, SharedMap>()
  readonly #topics = new Map<string, Set<Receive>>()
  readonly #session = randomBytes(SESSION_LENGTH / 2).toString('hex')
  readonly #openedAtMs: number
  #bell: Doorbell | undefined
  #timer: TimerHandle | undefined
  #chores: Promise<void> = Promise.resolve()
  #busy = false
  #looks = 0
  #closed = false

  constructor(environment: Environment, group: GroupCommit, options: SharedGridOptions) {
    const { clock } = environment.options
    this.#environment = environment
    this.#options = options
    this.#machine = createMachineClock(clock, options.machineMs)
    this.#openedAtMs = clock.now()
    this.#log = new ChangeLog({
      environment,
      clock,
      boot: this.#machine.boot,
      session: this.#session,
      maxEntries: options.maxLogEntries,
      maxBytes: options.maxLogBytes,
      tell: (changes) => changes.forEach((change) => this.#tell(change)),
      resync: () => this.#maps.forEach((map) => map.resync()),
    })
    this.#group = group
    this.#kind = new RowKind<RecordRow>({
      environment,
      name: GRID,
      table: this.table,
      unpack: toRecordRow,
      pack: (row, key) => environment.rows.pack(packRecord(row), key),
      remembered: (row) => ({ ...row, bytes: undefined }),
      begin: () => {
        this.#log.begin()
        this.#log.catchUp(clock.now(), true)
      },
      committed: (writes) => {
        this.#log.committed(writes)
        this.#catchUp()
        this.#bell?.ring(this.#log.others)
      },
    })
  }

  get table(): ReturnType<Environment['table']> {
    return this.#environment.table('grid', true)
  }

  async open(): Promise<this> {
    await this.#log.open()
    this.#bell = openDoorbell(this.#environment.options.path, this.#session, () => this.#look())
    this.#arm()
    return this
  }

  /** A driver for one grid. `done`: it was closed. */
  driver(done: () => Promise<void>): GridDriver {
    return {
      supports: { consistency: new Set(['eventual', 'session', 'strong']), linearizable: true, atomicPutAll: true, topics: true },
      deadlineMs: this.#environment.options.timeoutMs,
      openMap: (name, feed) => this.#map(name).open(feed),
      openTopic: (name, receive) => {
        const receivers = this.#topics.get(name) ?? new Set()
        this.#topics.set(name, receivers.add(receive))
        return {
          publish: async (message) => {
            this.#environment.check()
            await this.#group.run(new Publish(this.#kind, this.#log, name, message))
          },
          close: () => void receivers.delete(receive),
        }
      },
      close: done,
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const { clock, timeoutMs, path } = this.#environment.options
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer)
    // A process stopped inside a transaction holds all others up: those who wait have their answer by then (I8).
    const finished = Promise.all([this.#chores, this.#group.idle()])
    await withDeadline(finished, clock, timeoutMs, `closing ${path}`).catch(() => void this.failures++)
    await this.#bell?.close()
    // Whoever lives finds out by itself that this process is gone; saying so saves the time.
    await this.#log.close().catch(() => undefined)
    this.#bell?.forget(this.#session)
  }

  #map(name: string): SharedMap {
    const known = this.#maps.get(name)
    if (known !== undefined) return known
    const map = new SharedMap({
      name,
      environment: this.#environment,
      group: this.#group,
      kind: this.#kind,
      log: this.#log,
      machine: this.#machine,
      table: this.table,
      openedAtMs: this.#openedAtMs,
    })
    this.#maps.set(name, map)
    return map
  }

  #tell(change: Logged): void {
    const { kind, name, bytes } = change.row
    if (kind === 'map') this.#maps.get(name)?.tell(change)
    else for (const receive of this.#topics.get(name) ?? []) receive(bytes ?? Buffer.alloc(0))
  }

  #look(): void {
    if (!this.#closed) this.#catchUp()
  }

  /** What cannot be read is no failure of what was committed: the copy is old from here on, and says so. */
  #catchUp(): void {
    try {
      this.#log.catchUp()
    } catch {
      this.failures += 1
    }
  }

  /** The slow look: what no ring told, and what nobody waits for. */
  #arm(): void {
    this.#timer = this.#environment.options.clock.setTimeout(() => {
      this.#look()
      this.#arm()
      if (this.#busy) return
      this.#busy = true
      this.#chores = this.#doChores()
        .catch(() => void this.failures++)
        .finally(() => (this.#busy = false))
    }, this.#options.pollMs)
  }

  async #doChores(): Promise<void> {
    this.#looks += 1
    await this.#log.publish()
    for (const map of this.#maps.values()) await map.sweep()
    if (this.#looks % REAP_EVERY !== 1) return
    for (const name of await this.#log.reap()) this.#bell?.forget(name)
  }
}
