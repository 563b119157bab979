import type { DriverSupports, MapDriver } from '../driver.ts'
import type { Entry } from './entry.ts'
import { GridError, quote } from '../errors.ts'
import type { Consistency, ReadOptions } from '../grid.ts'
import { checkConsistency, checkKey, checkMaxAgeMs } from '../options.ts'
import type { Replica } from './replica.ts'
import type { Scope } from './scope.ts'
import { SessionFloors } from './session-floors.ts'

export interface ReaderOptions<V> {
  readonly map: string
  readonly driver: MapDriver
  readonly supports: DriverSupports
  readonly replica: Replica<V>
  readonly scope: Scope<V>
  /** What a read relies on unless it says otherwise. */
  readonly consistency: Consistency
  readonly ageMs: () => number
  /** The copy's answer; throws for what cannot be read here. */
  readonly peek: (key: string) => Entry<V> | undefined
}

/** Reads that may have to ask the owner: because more was asked than the copy can give, or because the copy need not hold the key. */
export class Reader<V> {
  readonly #options: ReaderOptions<V>
  readonly #floors = new SessionFloors()

  constructor(options: ReaderOptions<V>) {
    this.#options = options
  }

  async get(key: string, { consistency = this.#options.consistency, maxAgeMs = Infinity }: ReadOptions): Promise<Entry<V> | undefined> {
    const { map, supports, scope, peek } = this.#options
    checkKey(key)
    checkMaxAgeMs(maxAgeMs)
    checkSupported(supports, consistency)
    const inSession = consistency === 'session'
    if (scope.nothing) return this.ask(key, this.#floors.of(key), inSession)
    const ageMs = maxAgeMs === Infinity ? 0 : this.#options.ageMs()
    const tooOld = ageMs > maxAgeMs
    if (tooOld && !supports.consistency.has('strong')) {
      throw new GridError('TOO_OLD', `the copy of map ${quote(map)} is up to ${ageMs} ms old; maxAgeMs is ${maxAgeMs}`)
    }
    if (consistency === 'strong' || tooOld) return inSession ? this.ask(key, this.#floors.of(key), true) : this.ask(key)
    const held = peek(key)
    // A copy that was never loaded knows of nothing that it is absent.
    const unknown = held === undefined && (!scope.covers(key) || !this.#options.replica.loaded)
    const behind =
      inSession && (!this.#floors.reached(key, held?.version) || (held === undefined && this.#options.driver.lost?.(key) === true))
    if (behind) return this.ask(key, this.#floors.of(key), true)
    return unknown && supports.consistency.has('strong') ? this.ask(key, undefined, inSession) : held
  }

  /** Is the copy what the owner has, and not only what it was a moment ago? Or is there no owner to ask. */
  knows(): boolean {
    const { replica, supports, ageMs } = this.#options
    return !supports.consistency.has('strong') || (replica.loaded && !replica.unheld && ageMs() === 0)
  }

  /** Is a key that is not held surely absent? */
  knowsAbsent(key: string): boolean {
    return this.#options.scope.covers(key) && this.knows()
  }

  /**
   * The owner's answer, and not less than was `shown` before; `inSession`: nor nothing, where there was something. A bounded copy keeps
   * it, unless a change has overtaken it meanwhile.
   */
  async ask(key: string, shown?: number, inSession = false): Promise<Entry<V> | undefined> {
    const { driver, replica } = this.#options
    const { near, reading, kept } = replica
    if (kept !== undefined) reading.begin(key)
    try {
      const record = await driver.read(key, shown, inSession)
      const entry = record === undefined ? undefined : replica.read(record)
      if (entry !== undefined && kept !== undefined && reading.isCurrent(key, entry.version)) near.fill(entry)
      this.shown(key, entry)
      return entry
    } finally {
      if (kept !== undefined) reading.end(key)
    }
  }

  /** This process was shown what the owner has: a session must not step back from it. */
  shown(key: string, entry: Entry<V> | undefined): void {
    const held = this.#options.replica.near.peek(key)
    if (held !== entry) this.#floors.shown(key, entry?.version, held?.version)
  }

  /** The copy was replaced by the present state. */
  reset(): void {
    this.#floors.settle((key) => this.#options.replica.near.peek(key)?.version)
  }
}

/** Throws `GridError` UNSUPPORTED for what the backend cannot give: nothing weaker is done instead. */
export function checkSupported(supports: DriverSupports, consistency: Consistency, what = 'read'): void {
  if (supports.consistency.has(checkConsistency(consistency))) return
  throw new GridError(
    'UNSUPPORTED',
    `this backend gives no ${quote(consistency)} ${what}: it gives ${[...supports.consistency].join(', ')}`,
  )
}
