import { quote } from '../check.ts'
import type { Asker } from './store-access.ts'
import type { Store, StoreRecord } from './store.ts'

/** Whoever wants to know what is stored of one agent. */
export interface Reader extends Asker<StoreRecord | undefined> {
  readonly id: string
}

/** Questions of one moment that go to the store in one call. */
const TOGETHER = 200
/** The store is not there: it is not asked again for each of them. */
const FOR_ALL = new Set<unknown>(['STORE_TIMEOUT', 'CLOSED'])

type Ask = <T>(asker: Asker<T>, call: () => Promise<T>) => void

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
    if (readers.length === 1 || this.#store.getAll === undefined) for (const reader of readers) this.#one(reader)
    else for (let at = 0; at < readers.length; at += TOGETHER) this.#together(readers.slice(at, at + TOGETHER))
  }

  #one(reader: Reader): void {
    this.#ask(reader, () => this.#store.get(reader.id))
  }

  #together(readers: readonly Reader[]): void {
    const all: Asker<readonly (StoreRecord | undefined)[]> = {
      name: `${readers.length} agents, ${quote(readers[0]?.id)} first`,
      done(kept) {
        for (let at = 0; at < readers.length; at++) readers[at]?.done(kept[at])
      },
      failed: (error) => {
        const forAll = FOR_ALL.has((error as { readonly code?: unknown } | null)?.code)
        for (const reader of readers) {
          if (forAll) reader.failed(error)
          // One that cannot be read keeps none of the others from it.
          else this.#one(reader)
        }
      },
    }
    this.#ask(all, () => (this.#store as Required<Store>).getAll(readers.map(({ id }) => id)))
  }
}
