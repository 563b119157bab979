import { quote } from '../check.ts'
import { agentName, type Ask, type Asker } from './pending.ts'
import { isFinal, type Fence, type FullStore, type Store } from './store.ts'

/** A state on its way to the store. */
export interface Write {
  readonly id: string
  readonly expectedRev: number
  readonly fence: Fence
  readonly value: Uint8Array
  /** It is the revision `rev` from now on. */
  stored(rev: number): void
  refused(error: unknown): void
}

/** Writes of one moment that go to the store in one call. */
const TOGETHER = 200
/** A store that knows no batch says so; what else it refuses is the fault of one write, and the others go alone. */
const ALONE = new Set<unknown>(['STORE_UNSUPPORTED', 'STORE_BUSY', 'BAD_ID', 'BAD_OPTION'])

/** Brings to the store what agents write: those of one moment in one call, with one deadline and one promise, where the store has that. */
export class Writes {
  readonly #store: Store
  readonly #ask: Ask
  #waiting: Write[] = []
  readonly #soon = Promise.resolve()

  constructor(store: Store, ask: Ask) {
    this.#store = store
    this.#ask = ask
  }

  add(write: Write): void {
    this.#waiting.push(write)
    if (this.#waiting.length === 1) void this.#soon.then(this.#send)
  }

  readonly #send = (): void => {
    const writes = this.#waiting
    this.#waiting = []
    const { commitAll } = this.#store as Partial<FullStore>
    if (writes.length === 1 || commitAll === undefined) for (const write of writes) this.alone(write)
    else for (let at = 0; at < writes.length; at += TOGETHER) this.#together(writes.slice(at, at + TOGETHER))
  }

  alone(write: Write): void {
    const { id, expectedRev, fence, value } = write
    this.#ask(new Alone(write), () => this.#store.commit(id, expectedRev, fence, value))
  }

  #together(writes: readonly Write[]): void {
    this.#ask(new Together(writes, this), () => (this.#store as FullStore).commitAll(writes))
  }
}

// Classes, not closures: the engine throws away with a closure what it has compiled for it.

class Alone implements Asker<number> {
  readonly #write: Write

  constructor(write: Write) {
    this.#write = write
  }

  get name(): string {
    return agentName(this.#write.id)
  }

  done(rev: number): void {
    this.#write.stored(rev)
  }

  failed(error: unknown): void {
    this.#write.refused(error)
  }
}

export class Together implements Asker<readonly number[]> {
  readonly #all: readonly Write[]
  readonly #writes: Pick<Writes, 'alone'>

  constructor(all: readonly Write[], writes: Pick<Writes, 'alone'>) {
    this.#all = all
    this.#writes = writes
  }

  get name(): string {
    return `${this.#all.length} agents, ${quote(this.#all[0]?.id)} first`
  }

  done(revs: readonly number[]): void {
    const all = this.#all
    for (let at = 0; at < all.length; at++) all[at]?.stored(revs[at] as number)
  }

  failed(error: unknown): void {
    // All or none: one that may not write keeps none of the others from it (I1).
    const alone = isFinal(error) || ALONE.has((error as { readonly code?: unknown } | null)?.code)
    for (const write of this.#all) {
      if (alone) this.#writes.alone(write)
      else write.refused(error)
    }
  }
}
