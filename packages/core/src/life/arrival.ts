import { quote } from '../check.ts'
import { decodeRecord, maySleep, type Found } from '../durability/kept.ts'
import type { Asker } from '../durability/pending.ts'
import type { Write } from '../durability/writes.ts'
import type { Fence, StoreRecord } from '../durability/store.ts'
import type { Inbox } from '../mailbox/inbox.ts'
import { rememberIds } from '../mailbox/dedup.ts'
import type { Services } from '../services.ts'
import type { LifeOptions } from './life-options.ts'
import { fenceOf, type Tenure } from './tenure.ts'

/** The agent that comes. */
interface Comer {
  readonly inbox: Inbox
}

/**
 * An agent's way out of the store: what is stored is read, and if it may sleep on it is claimed as it is, by a write of our own: an older
 * activation can write no more (I1). One object from the question to the answer: many come at a time.
 */
class Arrival implements Asker<StoreRecord | undefined>, Write {
  readonly #comer: Comer
  readonly #options: LifeOptions
  readonly #services: Services
  readonly #tenure: Tenure | undefined
  readonly #come: (found: Found) => void
  readonly #fail: (error: unknown) => void
  #kept: StoreRecord | undefined
  #fence: Fence | undefined

  constructor(
    comer: Comer,
    options: LifeOptions,
    services: Services,
    tenure: Tenure | undefined,
    come: (found: Found) => void,
    fail: (error: unknown) => void,
  ) {
    this.#comer = comer
    this.#options = options
    this.#services = services
    this.#tenure = tenure
    this.#come = come
    this.#fail = fail
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

  /** Of the store: that is stored. */
  done(kept: StoreRecord | undefined): void {
    const { codec, access } = this.#services
    try {
      const record = decodeRecord(this.#options, codec, kept?.value)
      if (kept === undefined || record === undefined || !maySleep(this.#options, this.#services, kept, record)) {
        this.#come({ kept, record, resting: undefined })
        return
      }
      rememberIds(this.#comer, this.#options.mailbox.dedup, record.ids)
      this.#kept = kept
      this.#fence = fenceOf(this.#services, this.#tenure, kept)
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
    const { agent } = this.#options
    this.#services.guests.tell('onCheckpoint', agent, rev, this.value.byteLength)
    this.#come({ kept: this.#kept as StoreRecord, record: undefined, resting: { fence: this.fence, rev } })
  }

  refused(error: unknown): void {
    this.#services.guests.tell('onCheckpointError', this.#options.agent, error)
    this.#fail(error)
  }
}

/** Reads what is stored of an agent; what may sleep is claimed as well. Rejects with why the store, or the bytes, refuse. */
export function arrive(comer: Comer, options: LifeOptions, services: Services, tenure: Tenure | undefined): Promise<Found> {
  return new Promise((come, fail) => {
    services.access.read(options.agent.id, new Arrival(comer, options, services, tenure, come, fail))
  })
}
