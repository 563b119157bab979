// Zipkin: a store and a page for traces, Apache-2.0, from Maven Central.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, freePort, runProgram, startProcess } from './process.ts'

const VERSION = '3.5.1'
const FETCH_MS = 300_000

export interface Zipkin extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. Spans are posted to `/api/v2/spans`. */
  readonly url: string
  /** The field of its API; undefined while it knows no such trace. */
  trace(traceId: string): Promise<readonly ZipkinSpan[] | undefined>
}

export interface ZipkinSpan {
  readonly id: string
  readonly parentId?: string
  readonly name: string
  readonly localEndpoint: { readonly serviceName: string }
  readonly tags?: Readonly<Record<string, string>>
}

/** The jar, fetched where it is missing; undefined without Java or Maven. */
export async function findZipkin(): Promise<string | undefined> {
  const folder = cacheFolder(`zipkin-${VERSION}`)
  const jar = join(folder, `zipkin-server-${VERSION}-exec.jar`)
  const has = (program: string): boolean => (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, program)))
  if (!has('java')) return undefined
  if (existsSync(jar)) return jar
  if (!has('mvn')) return undefined
  await mkdir(folder, { recursive: true })
  const beside = await mkdtemp(join(folder, 'fetch-'))
  try {
    const goal = ['-q', '-B', 'dependency:copy', `-Dartifact=io.zipkin:zipkin-server:${VERSION}:jar:exec`, `-DoutputDirectory=${beside}`]
    await runProgram('mvn', goal, process.env, FETCH_MS)
    await rename(join(beside, `zipkin-server-${VERSION}-exec.jar`), jar)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  return jar
}

export async function startZipkin(jar: string): Promise<Zipkin> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const only = [`-Darmeria.ports[0].ip=127.0.0.1`, `-Darmeria.ports[0].port=${port}`, '-Darmeria.ports[0].protocols[0]=http']
  const running = await startProcess({
    name: 'zipkin',
    command: 'java',
    args: ['-Xmx192m', '-XX:TieredStopAtLevel=1', ...only, '-jar', jar],
    env: { ...process.env, QUERY_PORT: String(port) },
    ready: async () => (await fetch(`${url}/health`)).ok,
    readyMs: 60_000,
  })
  return {
    url,
    async trace(traceId) {
      const response = await fetch(`${url}/api/v2/trace/${traceId}`)
      return response.ok ? ((await response.json()) as readonly ZipkinSpan[]) : undefined
    },
    [Symbol.asyncDispose]: () => running.stop(),
  }
}
