import { spawn } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { quote } from '../../errors.ts'
import { ClusterError } from './errors.ts'

export interface JarSearch {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal | undefined
}

/** Maven may have to fetch some megabytes. */
const MAVEN_MS = 300_000

/**
 * The jar of a member: HAZELCAST_JAR, else what was fetched before, else Maven fetches it, from where the user's own Maven settings
 * say, and it is kept under XDG_CACHE_HOME (or `~/.cache`) in `stigmergy/`.
 */
export async function findJar({ version, env, signal }: JarSearch): Promise<string> {
  const given = env['HAZELCAST_JAR']
  if (given !== undefined && given !== '') {
    if (await exists(given)) return given
    throw new ClusterError('NO_JAR', `HAZELCAST_JAR is ${quote(given)}: there is no such file`)
  }
  const cache = join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'stigmergy')
  const name = `hazelcast-${version}.jar`
  const cached = join(cache, name)
  if (await exists(cached)) return cached
  await mkdir(cache, { recursive: true })
  // Fetched aside and renamed, so that a half-written jar is never taken for a whole one.
  const aside = await mkdtemp(join(cache, 'fetch-'))
  try {
    const artifact = `com.hazelcast:hazelcast:${version}`
    await maven([`dependency:get`, `-Dartifact=${artifact}`, '-Dtransitive=false'], artifact, env, signal)
    await maven([`dependency:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${aside}`], artifact, env, signal)
    await rename(join(aside, name), cached)
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  return cached
}

/** The `java` to start members with, or NO_JAVA. */
export async function findJava(env: JarSearch['env']): Promise<string> {
  const home = env['JAVA_HOME']
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  const { code, said } = await run(java, ['-version'], env, undefined, 30_000)
  if (code === 0) return java
  throw new ClusterError('NO_JAVA', `${java} -version ${code === undefined ? `did not run: ${said}` : `ended with ${code}: ${said}`}`)
}

async function maven(goal: readonly string[], artifact: string, env: JarSearch['env'], signal: AbortSignal | undefined): Promise<void> {
  const { code, said } = await run('mvn', ['-q', '-B', ...goal], env, signal, MAVEN_MS)
  signal?.throwIfAborted()
  if (code === 0) return
  if (code === undefined) throw new ClusterError('NO_MAVEN', `mvn did not run: ${said}`)
  throw new ClusterError('NO_JAR', `mvn ${goal[0]} of ${artifact} ended with ${code}:\n${said}`)
}

/** Exit code (undefined: it could not be started) and the end of what it said. */
function run(
  command: string,
  args: readonly string[],
  env: JarSearch['env'],
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<{ readonly code: number | undefined; readonly said: string }> {
  return new Promise((resolve) => {
    let said = ''
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-2000)
    }
    const child = spawn(command, args, { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) })
    const killing = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const end = (code: number | undefined, text: string): void => {
      clearTimeout(killing)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, said: text })
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', (error) => end(undefined, error.message))
    child.once('close', (code) => end(code ?? -1, said.trim()))
  })
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
