import { mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

/** Tells the other processes of a directory that there is something new. A ring may be lost: whoever listens also looks by itself. */
export interface Doorbell {
  /** Rings at these, the names they opened theirs with. */
  ring(names: Iterable<string>): void
  /** Forgets the bell of a process that is gone. */
  forget(name: string): void
  close(): Promise<void>
}

// The longest path of a Unix socket is 108 bytes on Linux, 104 elsewhere.
const LONGEST_PATH = 100
// A stopped process does not read: what waits for it is one ring, however often it rang.
const WAITING_RINGS = 64

/** One Unix socket per process, in the directory. Where its path would be too long there is no bell. */
export function openDoorbell(path: string, name: string, onRing: () => void): Doorbell {
  const directory = join(path, 'bells')
  const addressOf = (of: string): string => (process.platform === 'win32' ? `\\\\.\\pipe\\stigmergy-${of}` : join(directory, of))
  const peers = new Map<string, Socket>()
  const callers = new Set<Socket>()
  const server = Buffer.byteLength(addressOf(name)) <= LONGEST_PATH ? listen() : undefined

  function listen(): Server | undefined {
    const opened = createServer((socket) => {
      callers.add(socket)
      socket.unref()
      socket.on('data', onRing)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => callers.delete(socket))
    })
    // Without a bell of our own we hear by looking.
    opened.on('error', () => opened.close())
    try {
      mkdirSync(directory, { recursive: true })
    } catch {
      return undefined
    }
    opened.listen(addressOf(name)).unref()
    return opened
  }

  function peer(of: string): Socket {
    const known = peers.get(of)
    if (known !== undefined) return known
    const socket = connect(addressOf(of)).unref()
    peers.set(of, socket)
    const gone = (): void => {
      if (peers.get(of) === socket) peers.delete(of)
      socket.destroy()
    }
    socket.on('error', gone)
    socket.on('close', gone)
    return socket
  }

  return {
    ring(names) {
      for (const of of names) {
        if (of === name || Buffer.byteLength(addressOf(of)) > LONGEST_PATH) continue
        const socket = peer(of)
        if (socket.writableLength < WAITING_RINGS) socket.write('!')
      }
    },
    forget(of) {
      peers.get(of)?.destroy()
      peers.delete(of)
      // A killed process leaves its socket behind.
      if (process.platform !== 'win32') rmSync(addressOf(of), { force: true })
    },
    async close() {
      for (const socket of [...peers.values(), ...callers]) socket.destroy()
      peers.clear()
      if (server?.listening !== true) return
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
