import { IOError, type Client } from 'hazelcast-client'

interface Connection {
  readonly socket?: { once(event: 'close', listener: () => void): unknown }
  close(reason: string, cause: Error): void
}

/** What the client has, and does not say in its types. */
interface Internals {
  getConnectionManager?(): { on?(event: 'connectionAdded', listener: (connection: Connection) => void): unknown } | undefined
  readonly connectionRegistry?: { getConnections?(): Iterable<Connection> }
}

/**
 * hazelcast-client 5.6.0 takes a connection for closed when its socket says `end` or `error` (`ConnectionManager.js`). One that is
 * destroyed by something between may say `close` alone; then only the missing heartbeats would tell, seconds later.
 */
export function endWithSocket(client: Client): void {
  const { connectionRegistry } = client as unknown as Internals
  const end = (connection: Connection): void => {
    connection.socket?.once('close', () => connection.close('The socket is closed.', new IOError('The socket is closed.')))
  }
  for (const connection of connectionRegistry?.getConnections?.() ?? []) end(connection)
  ;(client as unknown as Internals).getConnectionManager?.()?.on?.('connectionAdded', end)
}
