import type { TraceContext } from '../map/trace.ts'

/** One message of a topic, as a subscriber gets it. The value is frozen. */
export interface TopicMessage<T> {
  readonly value: T
  /** Id of the grid that published it. */
  readonly publisher: string
  /** Counts the messages of that publisher to this topic, from 1 on: a number left out was dropped or never arrived. */
  readonly number: number
  readonly trace: TraceContext | undefined
}

export interface PublishOptions {
  /** What the message belongs to. @default `grid.trace.current` */
  readonly trace?: TraceContext
  /** Ends the call. */
  readonly signal?: AbortSignal
}

export interface SubscribeOptions {
  /** Undelivered messages held before the oldest is dropped (I6). @default 1024 */
  readonly capacity?: number
  /** Ends the subscription. */
  readonly signal?: AbortSignal
}

/** A running subscription. */
export interface Subscription {
  /** Messages dropped so far because the listener was slower than the publishers. */
  readonly dropped: number
  close(): void
  [Symbol.dispose](): void
}

/**
 * Messages to whoever listens now, in every process: nothing is kept, and nobody is told of what was published before. Each
 * subscriber gets the messages of one publisher in order.
 */
export interface Topic<T> {
  readonly name: string
  /**
   * Resolves when the backend has the message. Throws `GridError` BAD_OPTION, BAD_VALUE, VALUE_TOO_LARGE (above 1 MiB) or CLOSED, and the
   * reason of a signal that aborts: what was under way then may be published all the same.
   */
  publish(value: T, options?: PublishOptions): Promise<void>
  /** Resolves when this process gets every message that is published from then on. Embedded: at once. */
  listening(): Promise<void>
  /** The listener runs in a microtask; if it returns a promise, the next message waits for it. One that throws is counted. */
  subscribe(listener: (message: TopicMessage<T>) => void | Promise<void>, options?: SubscribeOptions): Subscription
}
