import { startProcess, type RunningProcess } from '../components/process.ts'
import { findJar, findJava } from '../../packages/grid/src/testing/cluster/jar.ts'
import type { Deployment, Environment } from './settings.ts'

export interface RunningDeployment extends AsyncDisposable {
  readonly addresses: readonly string[]
  logs(): Promise<readonly string[]>
}

/**
 * Members started from the jar with a deployment's own environment, as the image would; only its addresses are replaced, by free
 * ports of the loopback, which need a port setting where every container had its own.
 */
export async function startDeployment({ members, addresses }: Deployment, freePort: () => Promise<number>): Promise<RunningDeployment> {
  const java = await findJava(process.env)
  const jar = await findJar({ version: '5.7.0', env: process.env, signal: undefined })
  const ports = await Promise.all(addresses.map(() => freePort()))
  const local = ports.map((port) => `127.0.0.1:${port}`)
  const running: RunningProcess[] = []
  const stop = async (): Promise<void> => void (await Promise.all(running.map((member) => member.kill())))
  try {
    const starting = members.map(async (member, at) => {
      const env: Environment = { ...moved(member, addresses, local), HZ_NETWORK_PORT_PORT: String(ports[at]) }
      const options = env['JAVA_OPTS']?.split(' ') ?? []
      const args = [...options, '-Xmx256m', '-cp', jar, 'com.hazelcast.core.server.HazelcastMemberStarter']
      const ready = (): Promise<boolean> => sees(local[at] as string, members.length)
      running.push(await startProcess({ name: 'Hazelcast', command: java, args, env: { ...process.env, ...env }, ready, readyMs: 60_000 }))
    })
    await Promise.all(starting)
  } catch (error) {
    await stop()
    throw error
  }
  return { addresses: local, logs: () => Promise.all(running.map((member) => member.log())), [Symbol.asyncDispose]: stop }
}

function moved(environment: Environment, from: readonly string[], to: readonly string[]): Record<string, string> {
  const entries = Object.entries(environment).map(([name, value]) => {
    const parts = value.split(',').map((part) => to[from.indexOf(part)] ?? part)
    return [name, parts.join(',')] as const
  })
  return Object.fromEntries(entries)
}

/** By the health check of the deployment itself. */
async function sees(address: string, members: number): Promise<boolean> {
  const ready = await fetch(`http://${address}/hazelcast/health/ready`, { signal: AbortSignal.timeout(2000) })
  const size = await fetch(`http://${address}/hazelcast/health/cluster-size`, { signal: AbortSignal.timeout(2000) })
  return ready.ok && Number(await size.text()) === members
}
