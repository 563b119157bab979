import type { TopicMessage } from './topic.ts'

export interface SubscriberOptions<T> {
  readonly capacity: number
  readonly listener: (message: TopicMessage<T>) => unknown
  readonly onError: (error: unknown) => void
  readonly onDrop: () => void
}

/** One subscription: a bounded queue of which the oldest is dropped and counted (I6), and one message with the listener at a time. */
export class Subscriber<T> {
  readonly #options: SubscriberOptions<T>
  #queue: TopicMessage<T>[] = []
  #busy = false
  #closed = false
  #dropped = 0

  constructor(options: SubscriberOptions<T>) {
    this.#options = options
  }

  get dropped(): number {
    return this.#dropped
  }

  tell(message: TopicMessage<T>): void {
    if (this.#closed) return
    this.#queue.push(message)
    if (this.#queue.length > this.#options.capacity) this.#drop()
    if (this.#busy) return
    this.#busy = true
    queueMicrotask(() => void this.#deliver())
  }

  close(): void {
    this.#closed = true
    this.#queue = []
  }

  #drop(): void {
    this.#queue.shift()
    this.#dropped++
    this.#options.onDrop()
  }

  async #deliver(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        const result = this.#options.listener(next)
        if (result instanceof Promise) await result
      } catch (error) {
        this.#options.onError(error)
      }
    }
    this.#busy = false
  }
}
