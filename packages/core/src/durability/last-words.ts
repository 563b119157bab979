import type { Checkpoint } from './checkpoint.ts'
import { isCoreError } from '../errors.ts'
import { isForgotten } from './forgotten.ts'
import type { Outbox } from './outbox.ts'
import { Retry } from './retry.ts'
import type { Services } from '../services.ts'
import { isFinal } from './store.ts'

export interface LastWordsOptions {
  readonly id: string
  /** Undefined: nothing it said is kept. */
  readonly outbox: Outbox | undefined
  checkpoint(): Checkpoint | undefined
  /** Nothing more leaves: its last state is stored, or never will be. */
  shut(): void
}

/**
 * What an agent that has ended had still to do: its last state is stored, also if the store is away for a while, and what it said goes on
 * until all of it is done or given up, or until it is cut because another activation goes on with it. What is done is told to the store, so
 * that nobody does it again.
 */
export class LastWords {
  readonly #options: LastWordsOptions
  readonly #services: Pick<Services, 'access' | 'codec' | 'clock'>
  readonly #retry: Retry
  #cut = false
  #abandoned = false
  #stir: (() => void) | undefined

  constructor(options: LastWordsOptions, services: Pick<Services, 'access' | 'codec' | 'clock'>) {
    this.#options = options
    this.#services = services
    this.#retry = new Retry(services.clock, () => this.#stir?.())
  }

  /** Something is being done, or is about to be. */
  get busy(): boolean {
    return this.#options.outbox?.busy === true
  }

  /** Of the outbox: something is done. */
  changed(): void {
    // What the store does not take waits for its next try.
    if (!this.#retry.waits) this.#stir?.()
  }

  /** Begins nothing any more: what is left is for the next activation. */
  cut(): void {
    this.#cut = true
    this.#retry.stop()
    this.#stir?.()
  }

  /** As `cut`, and tries nothing once more: it has just failed, and there is nobody left to go on. */
  abandon(): void {
    this.#abandoned = true
    this.cut()
  }

  /**
   * `stored`: the first try to store the last state. Never rejects: what the store does not take is done once more by the next activation, as
   * after a crash.
   */
  async run(stored: Promise<void>): Promise<void> {
    const { outbox, shut } = this.#options
    let owned = await this.#lands(stored)
    shut()
    if (outbox === undefined) return
    while (owned && !this.#cut && !(outbox.isStored && outbox.size === 0)) {
      if (outbox.isStored) await this.#news()
      else {
        owned = await this.#tidied()
        if (owned && !outbox.isStored) await this.#later()
      }
    }
    if (owned && !this.#abandoned) await outbox.rest()
    outbox.close()
    if (owned && !this.#abandoned) await this.#tidied()
  }

  /** Tries until it is stored, or cannot be. False: another activation has taken over (I1), nothing leaves this one any more (I3). */
  async #lands(stored: Promise<void>): Promise<boolean> {
    let tried = stored
    for (;;) {
      const last = this.#cut
      try {
        await tried
        return true
      } catch (error) {
        if (isFinal(error) || isCoreError(error, 'LEASE_LOST')) return false
        // The state before it is the last one there is.
        if (last || isCoreError(error, 'BAD_STATE')) return true
      }
      await this.#later()
      if (this.#abandoned) return true
      tried = this.#options.checkpoint()?.end() ?? Promise.resolve()
    }
  }

  /** Until something is done, or it is cut. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#stir = resolve
      if (this.#cut) resolve()
    })
  }

  /** Until the next try, or it is cut. */
  async #later(): Promise<void> {
    this.#retry.begin()
    await this.#news()
    this.#retry.stop()
  }

  /** False: another activation has taken over. */
  async #tidied(): Promise<boolean> {
    const outbox = this.#options.outbox as Outbox
    if (outbox.isStored) return true
    try {
      await this.#tidy(outbox)
      return true
    } catch (error) {
      outbox.unstored()
      return !isFinal(error)
    }
  }

  /** Stores the last state anew, without what is done by now. */
  async #tidy(outbox: Outbox): Promise<void> {
    const { access, codec } = this.#services
    const { id, checkpoint } = this.#options
    const kept = await access.get(id)
    if (kept === undefined || isForgotten(kept.value)) return
    const undone = outbox.take()
    await checkpoint()?.adopt(codec.encode(id, { ...codec.read(kept.value, id), outbox: undone }))
  }
}
