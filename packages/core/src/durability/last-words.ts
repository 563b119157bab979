import type { Checkpoint } from './checkpoint.ts'
import { isForgotten } from './forgotten.ts'
import type { Outbox } from './outbox.ts'
import type { Services } from '../services.ts'
import { isFinal } from './store.ts'

/**
 * What an agent that has ended had still to do: it goes on until all of it is done or given up, or until it is cut because another
 * activation goes on with it. What is done is told to the store, so that nobody does it again.
 */
export class LastWords {
  readonly #outbox: Outbox
  readonly #id: string
  readonly #checkpoint: () => Checkpoint | undefined
  readonly #services: Pick<Services, 'access' | 'codec'>
  #cut = false
  #changed = false
  #stir: (() => void) | undefined

  constructor(id: string, outbox: Outbox, checkpoint: () => Checkpoint | undefined, services: Pick<Services, 'access' | 'codec'>) {
    this.#id = id
    this.#outbox = outbox
    this.#checkpoint = checkpoint
    this.#services = services
  }

  /** Something is being done, or is about to be. */
  get busy(): boolean {
    return this.#outbox.busy
  }

  /** Of the outbox: something is done. */
  changed(): void {
    this.#changed = true
    this.#stir?.()
  }

  /** Begins nothing any more: what is left is for the next activation. */
  cut(): void {
    this.#cut = true
    this.#stir?.()
  }

  /** Never rejects: what the store does not take is done once more by the next activation, as after a crash. */
  async run(): Promise<void> {
    const outbox = this.#outbox
    let owned = true
    while (owned && outbox.size > 0 && !this.#cut) {
      if (!this.#changed) {
        await new Promise<void>((resolve) => {
          this.#stir = resolve
        })
      }
      this.#changed = false
      owned = await this.#tidied()
    }
    if (owned) await outbox.rest()
    outbox.close()
    if (owned) await this.#tidied()
  }

  /** False: another activation has taken over (I1), nothing leaves this one any more (I3). */
  async #tidied(): Promise<boolean> {
    if (this.#outbox.isStored) return true
    try {
      await this.#tidy()
      return true
    } catch (error) {
      this.#outbox.unstored()
      return !isFinal(error)
    }
  }

  /** Stores the last state anew, without what is done by now. */
  async #tidy(): Promise<void> {
    const { access, codec } = this.#services
    const kept = await access.get(this.#id)
    if (kept === undefined || isForgotten(kept.value)) return
    const outbox = this.#outbox.take()
    await this.#checkpoint()?.adopt(codec.encode(this.#id, { ...codec.read(kept.value, this.#id), outbox }))
  }
}
