import { createClient } from '@redis/client'
import { findRedis, startRedis } from '../../components/redis.ts'

/** One server and one client of it, which keeps what it has read until the server says that it has changed. */
export interface RedisPeer extends AsyncDisposable {
  readonly url: string
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<unknown>
  publish(channel: string, message: string): Promise<unknown>
}

/** Undefined, and said on standard error, where Redis is not installed. */
export async function openRedis(): Promise<RedisPeer | undefined> {
  const program = findRedis()
  if (program === undefined) {
    console.error('bench: no row against redis: /usr/bin/redis-server is missing (Debian: apt-get install redis-server)')
    return undefined
  }
  const server = await startRedis(program)
  const url = `redis://127.0.0.1:${server.port}`
  const client = await createClient({ url, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0 } }).connect()
  return {
    url,
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    publish: (channel, message) => client.publish(channel, message),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}
