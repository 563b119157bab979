import { LifecycleState, type Client } from 'hazelcast-client'
import { GridError } from '../errors.ts'
import { allowAnyName } from './any-name.ts'
import { dial } from './dial.ts'
import { endWithSocket } from './end-with-socket.ts'
import { guardEvents } from './guard-events.ts'
import type { ResolvedHazelcastOptions } from './options.ts'

export interface LinkListeners {
  /** There is a new client; with the first, `again` is false. */
  readonly up: (client: Client, again: boolean) => void
  readonly down: () => void
  readonly members: (change: 'joined' | 'left') => void
  /** An event came that the client could not read. */
  readonly unread: () => void
}

/** The connection to the cluster: lost and made again for as long as the grid is open. */
export class Link {
  readonly #options: ResolvedHazelcastOptions
  readonly #listeners: LinkListeners
  #client: Client | undefined
  #closed = false
  #wake: () => void = () => {}

  constructor(options: ResolvedHazelcastOptions, listeners: LinkListeners) {
    this.#options = options
    this.#listeners = listeners
  }

  /** Throws `GridError` OFFLINE while there is no cluster. */
  get client(): Client {
    if (this.#client !== undefined) return this.#client
    throw this.#closed ? new GridError('CLOSED', 'the grid was closed') : offline(this.#options)
  }

  get isUp(): boolean {
    return this.#client !== undefined
  }

  /** Throws `GridError` CONNECT_FAILED. */
  async open(): Promise<void> {
    this.#begin(await this.#dial(this.#options.connectTimeoutMs), false)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wake()
    const client = this.#client
    this.#client = undefined
    await client?.shutdown()
  }

  async #dial(timeoutMs: number): Promise<Client> {
    const made: { client?: Client; ended?: boolean } = {}
    const client = await dial(this.#options, timeoutMs, {
      onState: (state) => {
        if (state !== LifecycleState.SHUTDOWN && state !== LifecycleState.DISCONNECTED) return
        made.ended = true
        if (made.client !== undefined) this.#lost(made.client)
      },
      onMember: (change) => made.client !== undefined && made.client === this.#client && this.#listeners.members(change),
    })
    made.client = client
    allowAnyName(client)
    endWithSocket(client)
    guardEvents(client, () => client === this.#client && this.#listeners.unread())
    if (made.ended !== true) return client
    await client.shutdown()
    throw offline(this.#options)
  }

  #begin(client: Client, again: boolean): void {
    if (this.#closed) void client.shutdown()
    else {
      this.#client = client
      this.#listeners.up(client, again)
    }
  }

  #lost(client: Client): void {
    if (client !== this.#client) return
    this.#client = undefined
    this.#listeners.down()
    if (!this.#closed) void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    for (let pauseMs = 50; !this.#closed; pauseMs = Math.min(2 * pauseMs, 500)) {
      try {
        return this.#begin(await this.#dial(1000), true)
      } catch {
        await this.#pause(pauseMs)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, ms)
      this.#wake = () => {
        clock.clearTimeout(timer)
        resolve()
      }
    })
  }
}

function offline({ clusterName }: ResolvedHazelcastOptions): GridError {
  return new GridError('OFFLINE', `no member of cluster ${JSON.stringify(clusterName)} can be reached; nothing was sent`)
}
