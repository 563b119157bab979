import { OperationTimeoutError, StaleSequenceError, type Client, type Ringbuffer } from 'hazelcast-client'
import type { Clock } from '../time/clock.ts'
import type { TopicDriver } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import { isRefusal, toGridError } from './client-errors.ts'

export interface HazelcastTopicOptions {
  readonly name: string
  /** Its name on the cluster. */
  readonly ring: string
  /** Real time. */
  readonly clock: Clock
  readonly receive: (message: Uint8Array) => void
  /** Throws `GridError` OFFLINE. */
  readonly client: () => Client
}

const BATCH = 256
const RETRY_MS = 50

/**
 * One topic: a ringbuffer of the cluster, read from its present end on. Its sequence numbers outlive a lost connection and a lost
 * member, so what was published meanwhile is read late and not lost, up to the ring's capacity; the client's own topic ends its
 * listener at the first error.
 */
export class HazelcastTopic implements TopicDriver {
  readonly #options: HazelcastTopicOptions
  #ring: Ringbuffer<Buffer> | undefined
  /** The sequence to read next. */
  #next: number | undefined
  /** Counts the attempts to read it. */
  #attached = 0
  #closed = false
  readonly #waiting = new Set<() => void>()

  constructor(options: HazelcastTopicOptions) {
    this.#options = options
  }

  async publish(message: Uint8Array): Promise<void> {
    const ring = this.#ring ?? (await this.#listening())
    const what = `publish to ${quote(this.#options.name)}`
    try {
      await ring.add(Buffer.from(message.buffer, message.byteOffset, message.byteLength))
    } catch (error) {
      if (isRefusal(error) || error instanceof OperationTimeoutError) throw toGridError(error, what)
      throw new GridError('OUTCOME_UNKNOWN', `${what}: the connection was lost, and nobody can say whether it was published`, {
        cause: error,
      })
    }
  }

  async listening(): Promise<void> {
    if (this.#ring === undefined) await this.#listening()
  }

  close(): void {
    this.#closed = true
    this.#ring = undefined
    this.#wake()
  }

  /** There is a connection: reads until it or the topic ends. */
  async attach(client: Client): Promise<void> {
    // One that is begun later takes the place of this one, for the same ring, too.
    const attached = ++this.#attached
    try {
      const ring = await client.getRingbuffer<Buffer>(this.#options.ring)
      const end = (await ring.tailSequence()).toNumber() + 1
      // A ring that ends before what was read already is a new one.
      if (this.#next === undefined || end < this.#next) this.#next = this.#next === undefined ? end : 0
      if (this.#closed || attached !== this.#attached) return
      this.#ring = ring
      this.#wake()
      const isCurrent = (): boolean => attached === this.#attached && this.#ring === ring
      while (isCurrent()) await this.#read(ring, isCurrent)
    } catch {
      if (!this.#closed && attached === this.#attached && this.#hasClient(client))
        this.#options.clock.setTimeout(() => void this.attach(client), RETRY_MS)
    }
  }

  detach(): void {
    this.#ring = undefined
    this.#wake()
  }

  async #read(ring: Ringbuffer<Buffer>, isCurrent: () => boolean): Promise<void> {
    try {
      const messages = await ring.readMany(this.#next ?? 0, 1, BATCH)
      if (!isCurrent()) return
      for (const message of messages) if (Buffer.isBuffer(message)) this.#options.receive(message)
      this.#next = messages.getNextSequenceToReadFrom().toNumber()
    } catch (error) {
      if (!isCurrent()) return
      // The publishers were faster than the ring is long: their numbers tell what is missing.
      if (error instanceof StaleSequenceError) this.#next = (await ring.headSequence()).toNumber()
      else await new Promise<void>((resolve) => this.#options.clock.setTimeout(resolve, RETRY_MS))
    }
  }

  #hasClient(client: Client): boolean {
    try {
      return this.#options.client() === client
    } catch {
      return false
    }
  }

  // A caller waits only as long as there is a connection; how long that may be is its own deadline's business.
  async #listening(): Promise<Ringbuffer<Buffer>> {
    while (this.#ring === undefined) {
      if (this.#closed) throw new GridError('CLOSED', `topic ${quote(this.#options.name)}: its grid was closed`)
      this.#options.client()
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
    return this.#ring
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
