import type { IMap } from 'hazelcast-client'
import type { DriverWrite } from '../driver.ts'
import { serverTtlMs, storedOf } from './attempt.ts'
import { Batches } from './batches.ts'
import { BlindPut, type BlindPutOptions, type Outcome, type PutSender } from './blind-put.ts'
import type { Wire } from './wire.ts'

export interface BlindPutsOptions extends BlindPutOptions {
  /** Of a key as the wire has it, while there is a connection. */
  readonly partitionOf: (wired: unknown) => number
  /** Of the present connection. */
  readonly wire: () => Wire
}

/** Puts that do not look at what is there: each costs its place in one message. */
export class BlindPuts implements PutSender {
  readonly options: BlindPutsOptions
  readonly #batches: Batches

  constructor(options: BlindPutsOptions) {
    this.options = options
    const { partitionOf, wire } = options
    this.#batches = new Batches({ partitionOf, wire, defer: (run) => process.nextTick(run) })
  }

  /**
   * `placed`: it takes one of the places of writes under way; else it belongs to an operation that has one. `as`: what its caller
   * gets. So there is one promise from here to there.
   */
  put<R>(write: DriverWrite, placed: boolean, as: Outcome<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      const put = new BlindPut<R>(this, write, placed, as, resolve, reject)
      if (placed) this.options.inFlight.enter(put)
      else put.begin()
    })
  }

  /** What is sent next for this key comes after what is put already. */
  flush(key: string): void {
    this.#batches.flush(key)
  }

  // A batch takes no time to live.
  send<R>(imap: IMap<string, Buffer>, put: BlindPut<R>): void {
    const { key, write } = put
    if (write.ttlMs === undefined) return this.#batches.set(imap, put)
    this.#batches.flush(key)
    imap.set(key, storedOf(put), serverTtlMs(write.ttlMs)).then(
      () => put.made(),
      (error: unknown) => put.failed(error),
    )
  }
}
