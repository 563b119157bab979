import type { Agent } from 'node:http'
import type { Socket } from 'node:net'

/**
 * An HTTP agent for the exporters whose sockets cannot end the process. A collector that answers and closes before it has read
 * the whole request leaves a socket with an unwritten rest; its error belongs to no request any more, and an `error` event
 * without a listener is thrown (I7). Errors of requests still reach the exporter.
 */
export async function guardedAgent(protocol: string): Promise<Agent> {
  // Loaded late, so that an instrumentation of `http` may come first.
  const { Agent } = protocol === 'https:' ? await import('node:https') : await import('node:http')
  const agent = new Agent({ keepAlive: true })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback) as Socket | null | undefined
    socket?.on('error', () => {})
    return socket
  }
  return agent
}
