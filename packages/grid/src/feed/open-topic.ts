import type { Codec } from '../map/codec.ts'
import type { TopicDriver } from '../driver.ts'
import { GridError, quote, tooLarge } from '../errors.ts'
import type { Guests } from '../guests.ts'
import { checkNames, resolveSubscribeOptions } from '../options.ts'
import { seal } from '../map/seal.ts'
import type { TopicStats } from '../map/stats.ts'
import { Subscriber } from './subscriber.ts'
import type { PublishOptions, SubscribeOptions, Subscription, Topic, TopicMessage } from './topic.ts'
import { untilAborted } from '../time/until-aborted.ts'
import type { TraceSlot } from '../map/trace.ts'

export interface TopicContext {
  readonly id: string
  readonly session: string
  readonly codec: Codec
  readonly guests: Guests
  readonly trace: TraceSlot
}

const MAX_BYTES = 1_048_576

/** A topic over any backend that can hand bytes to everybody. A message travels in the envelope of a stored value, as its version 1. */
export class OpenTopic<T> implements Topic<T> {
  readonly name: string
  readonly #context: TopicContext
  readonly #driver: TopicDriver
  readonly #subscribers = new Set<Subscriber<T>>()
  readonly #endings = new Set<() => void>()
  #published = 0
  #received = 0
  #dropped = 0
  #closed = false

  constructor(name: string, context: TopicContext, open: (receive: (message: Uint8Array) => void) => TopicDriver) {
    this.name = name
    this.#context = context
    this.#driver = open((bytes) => this.#receive(bytes))
  }

  get stats(): TopicStats {
    return { name: this.name, published: this.#published, received: this.#received, dropped: this.#dropped }
  }

  async publish(value: T, options: PublishOptions = {}): Promise<void> {
    checkNames('publish', options, ['trace', 'signal'])
    options.signal?.throwIfAborted()
    this.#checkOpen()
    const { id, session, codec, trace } = this.#context
    const body = codec.packValue(seal(value))
    if (body.length > MAX_BYTES) throw tooLarge(`a message of topic ${quote(this.name)}`, body.length, MAX_BYTES)
    const writeId = { session, number: ++this.#published }
    const absent = { ttlMs: undefined, source: undefined, stamps: undefined }
    const header = { schemaVersion: 1, version: 1, writer: id, stampMs: 0, trace: options.trace ?? trace.current, writeId, ...absent }
    await untilAborted(this.#driver.publish(codec.pack(header, body)), options.signal)
  }

  async listening(): Promise<void> {
    this.#checkOpen()
    await this.#driver.listening?.()
  }

  subscribe(listener: (message: TopicMessage<T>) => void | Promise<void>, options: SubscribeOptions = {}): Subscription {
    this.#checkOpen()
    if (typeof listener !== 'function') throw new GridError('BAD_OPTION', `listener is ${quote(listener)}: give a function`)
    const { capacity, signal } = resolveSubscribeOptions(options)
    const onError = (error: unknown): void => this.#context.guests.listenerError(this.name, error)
    const subscriber = new Subscriber<T>({ capacity, listener, onError, onDrop: () => void this.#dropped++ })
    const end = (): void => {
      subscriber.close()
      this.#subscribers.delete(subscriber)
      this.#endings.delete(end)
      signal?.removeEventListener('abort', end)
    }
    this.#subscribers.add(subscriber)
    this.#endings.add(end)
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
    return {
      get dropped() {
        return subscriber.dropped
      },
      close: end,
      [Symbol.dispose]: end,
    }
  }

  close(): void {
    this.#closed = true
    for (const end of [...this.#endings]) end()
    this.#driver.close()
  }

  #receive(bytes: Uint8Array): void {
    this.#received++
    if (this.#subscribers.size === 0) return
    const message = this.#read(bytes)
    if (message !== undefined) for (const subscriber of this.#subscribers) subscriber.tell(message)
  }

  // What cannot be read was not published by a grid, or by a newer one (I9): it is counted, and the topic goes on.
  #read(bytes: Uint8Array): TopicMessage<T> | undefined {
    const { codec, guests } = this.#context
    try {
      const { header, body } = codec.read(bytes)
      if (body === undefined || header.writeId === undefined) throw new GridError('BAD_ENVELOPE', 'there is no message')
      const value = seal(codec.readValue(body)).value as T
      return Object.freeze({ value, publisher: header.writer, number: header.writeId.number, trace: header.trace })
    } catch (error) {
      guests.listenerError(this.name, error)
      return undefined
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new GridError('CLOSED', `topic ${quote(this.name)}: its grid was closed`)
  }
}
