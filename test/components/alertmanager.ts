// Alertmanager, as Debian has it (package `prometheus-alertmanager`).
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startProcess } from './process.ts'

export interface AlertmanagerServer extends AsyncDisposable {
  /** `host:port`, for Prometheus. */
  readonly address: string
}

/** The program, or undefined where it is not installed. */
export function findAlertmanager(): string | undefined {
  return ['/usr/bin/prometheus-alertmanager', '/usr/bin/alertmanager'].find((path) => existsSync(path))
}

/** Runs with that configuration, alone: no other of its kind is looked for. */
export async function startAlertmanager(program: string, config: string): Promise<AlertmanagerServer> {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-alertmanager-'))
  await writeFile(join(folder, 'alertmanager.yml'), config)
  const address = `127.0.0.1:${await freePort()}`
  const running = await startProcess({
    name: 'alertmanager',
    command: program,
    args: [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
      '--log.level=warn',
    ],
    ready: async () => (await fetch(`http://${address}/-/ready`)).ok,
  })
  return {
    address,
    async [Symbol.asyncDispose]() {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
