import { quote } from '../check.ts'
import type { Ask, Asker } from './pending.ts'
import type { Store, StoreRecord } from './store.ts'

/** Whoever wants to know what is stored of one agent. */
export interface Reader extends Asker<StoreRecord | undefined> {
  readonly id: string
}

/** Questions of one moment that go to the store in one call. */
const TOGETHER = 200
/** The store is not there: it is not asked again for each of them. */
const FOR_ALL = new Set<unknown>(['STORE_TIMEOUT', 'CLOSED'])

/** Asks the store for the records of many: those of one moment in one call, with one deadline and one promise, where the store has that. */
export class Reads {
  readonly #store: Store
  readonly #ask: Ask
  #waiting: Reader[] = []
  readonly #soon = Promise.resolve()

  constructor(store: Store, ask: Ask) {
    this.#store = store
    this.#ask = ask
  }

  add(reader: Reader): void {
    this.#waiting.push(reader)
    if (this.#waiting.length === 1) void this.#soon.then(this.#send)
  }

  /** Nobody waits for an answer any more. */
  close(error: Error): void {
    for (const reader of this.#waiting.splice(0)) reader.failed(error)
  }

  readonly #send = (): void => {
    const readers = this.#waiting
    this.#waiting = []
    if (readers.length === 1 || this.#store.getAll === undefined) for (const reader of readers) this.alone(reader)
    else for (let at = 0; at < readers.length; at += TOGETHER) this.#together(readers.slice(at, at + TOGETHER))
  }

  alone(reader: Reader): void {
    this.#ask(reader, () => this.#store.get(reader.id))
  }

  #together(readers: readonly Reader[]): void {
    this.#ask(new Together(readers, this), () => (this.#store as Required<Store>).getAll(readers.map(({ id }) => id)))
  }
}

/** A class, not closures: the engine throws away with a closure what it has compiled for it. */
class Together implements Asker<readonly (StoreRecord | undefined)[]> {
  readonly #all: readonly Reader[]
  readonly #reads: Reads

  constructor(all: readonly Reader[], reads: Reads) {
    this.#all = all
    this.#reads = reads
  }

  get name(): string {
    return `${this.#all.length} agents, ${quote(this.#all[0]?.id)} first`
  }

  done(kept: readonly (StoreRecord | undefined)[]): void {
    const all = this.#all
    for (let at = 0; at < all.length; at++) all[at]?.done(kept[at])
  }

  failed(error: unknown): void {
    const forAll = FOR_ALL.has((error as { readonly code?: unknown } | null)?.code)
    for (const reader of this.#all) {
      if (forAll) reader.failed(error)
      // One that cannot be read keeps none of the others from it.
      else this.#reads.alone(reader)
    }
  }
}
