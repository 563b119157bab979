import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A connection between members begins with this; that of a client with something else. */
const MEMBER = 'HZC'
/** The handshake that names the member that connects is in the first few hundred bytes. */
const HANDSHAKE_LIMIT = 4096

interface Line {
  readonly to: number
  /** Of the member that connects; 0: it has not said who it is. */
  from: number
  readonly sockets: readonly Socket[]
}

/**
 * Stands in front of the members of a cluster: each is known, to the others and to clients, by a port of this process. So members
 * can be cut off each other while every client reaches all of them, which no signal to a process does.
 */
export class Switchboard {
  readonly #servers = new Map<number, Server>()
  readonly #lines = new Set<Line>()
  #side: ReadonlySet<number> = new Set()

  /** Opens the port of the member that will listen on `memberPort`. */
  async open(memberPort: number): Promise<number> {
    const server = createServer((socket) => this.#accept(socket, server, memberPort))
    server.listen({ host: '127.0.0.1', port: 0 })
    server.unref()
    await once(server, 'listening')
    const port = portOf(server)
    this.#servers.set(port, server)
    return port
  }

  /** From now on the members of these ports and the others do not reach each other. None: all reach all. */
  split(side: Iterable<number>): void {
    this.#side = new Set(side)
    for (const line of this.#lines) if (this.#isCut(line)) hangUp(line)
  }

  async close(): Promise<void> {
    for (const line of this.#lines) hangUp(line)
    await Promise.all(Array.from(this.#servers.values(), (server) => new Promise((resolve) => server.close(resolve))))
  }

  #accept(socket: Socket, server: Server, memberPort: number): void {
    const to = portOf(server)
    const member = connect({ host: '127.0.0.1', port: memberPort, noDelay: true })
    const line: Line = { to, from: 0, sockets: [socket.setNoDelay(true), member] }
    this.#lines.add(line)
    for (const end of line.sockets) {
      end.on('error', () => hangUp(line)).once('close', () => hangUp(line))
      end.once('close', () => this.#lines.delete(line))
    }
    let said: Buffer | undefined = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      if (said !== undefined) {
        said = Buffer.concat([said, chunk])
        line.from = this.#caller(said, to)
        if (line.from !== 0 && this.#isCut(line)) return hangUp(line)
        if (line.from !== 0 || said.length > HANDSHAKE_LIMIT || !MEMBER.startsWith(said.toString('latin1', 0, MEMBER.length)))
          said = undefined
      }
      member.write(chunk)
    })
    member.on('data', (chunk: Buffer) => socket.write(chunk))
  }

  /** A member says its own port, and the one it means to reach. */
  #caller(said: Buffer, to: number): number {
    if (!said.toString('latin1').startsWith(MEMBER)) return 0
    const ports = [...this.#servers.keys()].filter((port) => port !== to)
    return ports.find((port) => said.includes(Buffer.from([0, 0, port >> 8, port & 255]))) ?? 0
  }

  #isCut({ from, to }: Line): boolean {
    return from !== 0 && this.#side.has(from) !== this.#side.has(to)
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function hangUp({ sockets }: Line): void {
  for (const socket of sockets) socket.destroy()
}
