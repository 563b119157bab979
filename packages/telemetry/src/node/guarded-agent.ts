import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { Tls } from './otlp-variables.ts'

/**
 * An HTTP agent for the exporters whose sockets cannot end the process. A collector that answers and closes before it has read
 * the whole request leaves a socket with an unwritten rest; its error belongs to no request any more, and an `error` event
 * without a listener is thrown (I7). Errors of requests still reach the exporter.
 */
export function guardedAgent(tls: Tls): (protocol: string) => Promise<Agent> {
  return async (protocol) => {
    // Loaded late, so that an instrumentation of `http` may come first.
    const { Agent } = protocol === 'https:' ? await import('node:https') : await import('node:http')
    const agent = new Agent({ keepAlive: true, ...tls })
    const connect = agent.createConnection.bind(agent)
    agent.createConnection = (options, callback) => {
      const socket = connect(options, callback) as Socket | null | undefined
      socket?.on('error', () => {})
      return socket
    }
    return agent
  }
}
