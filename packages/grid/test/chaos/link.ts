import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createEventFilter } from './event-filter.ts'

/** What is done to the connections of one process, to one member or, under `*`, to all. It may be changed while they are open. */
export interface Shape {
  /** On the way to the member and on the way back, in milliseconds. */
  readonly delayMs?: number
  /** Share of entry events that never arrive. */
  readonly dropEvents?: number
  /** New connections are refused. */
  readonly refuse?: boolean
}

/** A TCP proxy between one process and the members. */
export interface Link extends AsyncDisposable {
  readonly port: number
  /** Events left out so far. */
  readonly dropped: number
  /** By the address of a member. */
  shape(shapes: Readonly<Record<string, Shape>>): void
  /** Ends all connections. The process may connect anew. */
  cut(): void
}

/** A connection begins with a line that names the member: `127.0.0.1:5701\n`. {@link redirect} of worker.ts sends it. */
export async function openLink(random: () => number): Promise<Link> {
  const sockets = new Set<Socket>()
  let shapes: Readonly<Record<string, Shape>> = {}
  let dropped = 0
  const server = createServer((client) => {
    sockets.add(client.on('error', () => {}))
    client.once('close', () => sockets.delete(client))
    client.once('data', (first: Buffer) => {
      const end = first.indexOf(10)
      const address = first.toString('latin1', 0, end)
      const [host = '', port] = address.split(':')
      const shape = (): Shape => shapes[address] ?? shapes['*'] ?? {}
      if (shape().refuse === true) {
        client.destroy()
        return
      }
      const member = connect({ host, port: Number(port), noDelay: true })
      sockets.add(member.on('error', () => client.destroy()))
      member.once('close', () => sockets.delete(member) && client.destroy())
      client.once('close', () => member.destroy())
      const filter = createEventFilter(() => {
        const { dropEvents = 0 } = shape()
        if (dropEvents === 0 || random() >= dropEvents) return false
        dropped += 1
        return true
      })
      const out = delayLine((chunk) => member.write(chunk), shape)
      const back = delayLine((chunk) => client.write(chunk), shape)
      out(first.subarray(end + 1))
      client.on('data', out)
      member.on('data', (chunk: Buffer) => back(filter(chunk)))
    })
    client.setNoDelay(true)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    get dropped() {
      return dropped
    },
    shape: (next) => void (shapes = next),
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

// Chunks keep their order, also when the delay grows less.
function delayLine(write: (chunk: Buffer) => void, shape: () => Shape): (chunk: Buffer) => void {
  let waiting = 0
  let dueMs = 0
  return (chunk) => {
    if (chunk.length === 0) return
    const { delayMs = 0 } = shape()
    const now = performance.now()
    dueMs = Math.max(dueMs, now + delayMs)
    if (delayMs === 0 && waiting === 0) return write(chunk)
    waiting += 1
    setTimeout(() => {
      waiting -= 1
      write(chunk)
    }, dueMs - now)
  }
}
