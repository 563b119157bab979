import type { Entry } from './entry.ts'
import type { LocalPut } from './local-write.ts'

interface Waiting<V> {
  /** The newest. */
  write: LocalPut<V>
  stamped: boolean
  readonly done: Promise<Entry<V>>
  readonly commit: () => void
}

/**
 * Puts of one key that wait for the same moment become one commit: the newest of them. It begins at the end of the running
 * microtask, or, where the key's last commit is still under way, when that ends; so a slow owner gets one write at a time per key.
 */
export class Coalescer<V> {
  readonly #commit: (write: LocalPut<V>) => Promise<Entry<V>>
  readonly #waiting = new Map<string, Waiting<V>>()
  readonly #running = new Map<string, Promise<unknown>>()
  #saved = 0

  constructor(commit: (write: LocalPut<V>) => Promise<Entry<V>>) {
    this.#commit = commit
  }

  /** Puts that did not have to be committed. */
  get saved(): number {
    return this.#saved
  }

  put(write: LocalPut<V>, stamped: boolean): Promise<Entry<V>> {
    const { key } = write
    const before = this.#waiting.get(key)
    if (before !== undefined && (stamped || !before.stamped)) {
      this.#saved++
      before.write = write
      before.stamped = stamped
      return before.done
    }
    // A source's sign of life (I4) must not be swallowed by a write that carries none.
    before?.commit()
    const { promise, resolve } = settleLater<Entry<V>>()
    const commit = (): void => {
      const waiting = this.#waiting.get(key)
      if (waiting?.done !== promise) return
      this.#waiting.delete(key)
      const running = this.#commit(waiting.write)
      this.#run(key, running)
      resolve(running)
    }
    this.#waiting.set(key, { write, stamped, done: promise, commit })
    const running = this.#running.get(key)
    if (running === undefined) queueMicrotask(commit)
    else void running.then(commit)
    return promise
  }

  /** Begins the commit of what waits: another kind of write to the key comes after it. */
  flush(key: string): void {
    this.#waiting.get(key)?.commit()
  }

  flushAll(): void {
    for (const { commit } of [...this.#waiting.values()]) commit()
  }

  #run(key: string, commit: Promise<unknown>): void {
    const settled: Promise<unknown> = commit.then(
      () => this.#end(key, settled),
      () => this.#end(key, settled),
    )
    this.#running.set(key, settled)
  }

  #end(key: string, settled: Promise<unknown>): void {
    if (this.#running.get(key) === settled) this.#running.delete(key)
  }
}

function settleLater<T>(): { readonly promise: Promise<T>; readonly resolve: (value: Promise<T>) => void } {
  let resolve: (value: Promise<T>) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
