import type { AnyStateMachine } from 'xstate'
import { createAgentRef, type AgentRef } from '../agent.ts'
import { quote } from '../check.ts'
import { firstStep, stoppedEarly } from '../cell/wrap.ts'
import { decodeRecord, maySleep, sleepsOn, type Found } from '../durability/kept.ts'
import type { Reader } from '../durability/reads.ts'
import type { Write } from '../durability/writes.ts'
import type { Fence, StoreRecord } from '../durability/store.ts'
import { rememberIds } from '../mailbox/dedup.ts'
import type { Services } from '../services.ts'
import type { Life } from './life.ts'
import type { LifeOptions } from './life-options.ts'
import type { Origin } from './owner.ts'
import { fenceOf } from './tenure.ts'

/**
 * An agent's way from its spawn to its first turn, out of the store if it is kept there: what is stored is read, and if it may sleep on it
 * is claimed as it is, by a write of our own: an older activation can write no more (I1). One object, and no promise of its own, from the
 * first question to the end: many come at a time.
 */
export class Arrival implements Reader, Write {
  readonly #life: Life
  readonly #options: LifeOptions
  readonly #services: Services
  readonly #started: (ref: AgentRef<AnyStateMachine>) => void
  readonly #failed: (error: unknown) => void
  #kept: StoreRecord | undefined
  #fence: Fence | undefined
  /** It is known what is stored of it: it has a state, or it begins anew and nothing is to be left of it if it cannot. */
  #found: 'state' | 'none' | undefined

  /** `failed`: with START_FAILED, AGENT_STOPPED, or why the store, the authority or the bytes refuse. */
  constructor(
    life: Life,
    options: LifeOptions,
    services: Services,
    started: (ref: AgentRef<AnyStateMachine>) => void,
    failed: (error: unknown) => void,
  ) {
    this.#life = life
    this.#options = options
    this.#services = services
    this.#started = started
    this.#failed = failed
  }

  get name(): string {
    return `agent ${quote(this.id)}`
  }

  get id(): string {
    return this.#options.agent.id
  }

  get fence(): Fence {
    return this.#fence as Fence
  }

  get expectedRev(): number {
    return (this.#kept as StoreRecord).rev
  }

  get value(): Uint8Array {
    return (this.#kept as StoreRecord).value
  }

  /** Never throws. */
  begin(): void {
    const { takeTenure, access } = this.#services
    if (this.#options.durability === 'none') return this.#start(undefined)
    if (takeTenure === undefined) return access.read(this)
    takeTenure(this.id, (error) => this.#life.lost(error)).then(
      (tenure) => {
        this.#life.tenure = tenure
        access.read(this)
      },
      (error: unknown) => this.#fail(error),
    )
  }

  /** Of the store: that is stored. */
  done(kept: StoreRecord | undefined): void {
    const { codec, access } = this.#services
    const { tenure } = this.#life
    try {
      if (kept === undefined || !sleepsOn(this.#options, this.#services, kept.value)) {
        const record = decodeRecord(this.#options, codec, kept?.value)
        if (kept === undefined || record === undefined || !maySleep(this.#options, this.#services, kept, record)) {
          return this.#start({ kept, record })
        }
        rememberIds(this.#life, this.#options.mailbox.dedup, record.ids)
      }
      this.#kept = kept
      this.#fence = fenceOf(this.#services, tenure, kept)
      access.write(this)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Of the store: that cannot be read. */
  failed(error: unknown): void {
    this.#fail(error)
  }

  stored(rev: number): void {
    this.#services.guests.tell('onCheckpoint', this.#options.agent, rev, this.value.byteLength)
    this.#found = 'state'
    try {
      this.#run(undefined)
      // It stays as bytes until somebody wants something of it.
      this.#life.sleep(this.value, { fence: this.fence, rev }, undefined)
    } catch (error) {
      return this.#fail(error)
    }
    this.#end()
  }

  refused(error: unknown): void {
    this.#services.guests.tell('onCheckpointError', this.#options.agent, error)
    this.#fail(error)
  }

  /** It begins anew, or goes on from what was found. */
  #start(found: Found | undefined): void {
    const life = this.#life
    if (found !== undefined) this.#found = found.record === undefined ? 'none' : 'state'
    try {
      const origin = life.origin(found?.record, undefined)
      firstStep(this.id, () => life.cell.prepare(origin))
      if (found === undefined) this.#run(origin)
      else {
        this.#storeFirst(found, origin)
          .then(() => this.#run(origin))
          .then(
            () => this.#end(),
            (error: unknown) => this.#fail(error),
          )
        return
      }
    } catch (error) {
      return this.#fail(error)
    }
    this.#end()
  }

  async #storeFirst(found: Found, origin: Origin): Promise<void> {
    const { keeping, tenure, cell } = this.#life
    const fence = fenceOf(this.#services, tenure, found.kept)
    keeping?.adopt(fence, found.kept?.rev ?? 0, found.record)
    if (this.#options.durability === 'gated') {
      // Nothing leaves it before the commit of what it begins with.
      firstStep(this.id, () => cell.start(origin))
    }
    keeping?.resume(found)
    await keeping?.commit()
  }

  /** `origin`: undefined if it sleeps. */
  #run(origin: Origin | undefined): void {
    const life = this.#life
    if (life.ended) throw stoppedEarly(this.id)
    life.tenure?.check()
    firstStep(this.id, () => life.begin(origin))
  }

  #end(): void {
    const life = this.#life
    const ref = createAgentRef<AnyStateMachine>(life, this.#services)
    life.ref = ref
    this.#started(ref)
  }

  #fail(why: unknown): void {
    void this.#life.notStarted(why, this.#found === 'none' ? 'none' : 'last').then(this.#failed)
  }
}
