// Prometheus, as Debian has it (package `prometheus`).
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort, startProcess } from './process.ts'

export interface PrometheusServer extends AsyncDisposable {
  readonly url: string
  /** The field `data` of an answer of its HTTP API; `path` is what follows `/api/v1/`. Throws where it tells an error. */
  query<T>(path: string, parameters?: Readonly<Record<string, string>>): Promise<T>
  /** Asks until that is so, at most `timeoutMs`. */
  until<T>(ask: () => Promise<T | undefined>, timeoutMs?: number): Promise<T>
}

/** The program, or undefined where it is not installed. */
export function findPrometheus(): string | undefined {
  return ['/usr/bin/prometheus'].find((path) => existsSync(path))
}

export interface PrometheusOptions {
  /** The text of a rule file, evaluated every 200 ms. */
  readonly rules?: string
  /** Where alerts go: `host:port` of an Alertmanager. */
  readonly alertmanager?: string
}

/** Scrapes `targets` (`host:port` by the name of their job) every 200 ms, and keeps exemplars. */
export async function startPrometheus(
  program: string,
  targets: Readonly<Record<string, string>>,
  { rules, alertmanager }: PrometheusOptions = {},
): Promise<PrometheusServer> {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-prometheus-'))
  const jobs = Object.entries(targets).map(([job, target]) => `  - { job_name: ${job}, static_configs: [{ targets: ['${target}'] }] }`)
  const parts = ['global: { scrape_interval: 200ms, evaluation_interval: 200ms }']
  if (rules !== undefined) {
    await writeFile(join(folder, 'rules.yml'), rules)
    parts.push('rule_files: [rules.yml]')
  }
  if (alertmanager !== undefined) parts.push(`alerting: { alertmanagers: [{ static_configs: [{ targets: ['${alertmanager}'] }] }] }`)
  await writeFile(join(folder, 'prometheus.yml'), [...parts, 'scrape_configs:', ...jobs, ''].join('\n'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const running = await startProcess({
    name: 'prometheus',
    command: program,
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ],
    ready: async () => (await fetch(`${url}/-/ready`)).ok,
  })
  return {
    url,
    async query<T>(path: string, parameters: Readonly<Record<string, string>> = {}) {
      const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
      const answer = (await response.json()) as { readonly status: string; readonly data: T; readonly error?: string }
      if (answer.status !== 'success') throw new Error(`prometheus: ${answer.error ?? response.status}`)
      return answer.data
    },
    async until(ask, timeoutMs = 20_000) {
      const untilMs = performance.now() + timeoutMs
      for (;;) {
        const found = await ask()
        if (found !== undefined) return found
        if (performance.now() > untilMs) throw new Error(`prometheus did not have it after ${timeoutMs} ms:\n${await running.log()}`)
        await wait(100)
      }
    },
    async [Symbol.asyncDispose]() {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
