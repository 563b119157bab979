import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterError } from './errors.ts'
import { MemberLog } from './member-log.ts'
import { memberYaml, type MemberPlace } from './member-config.ts'
import type { ResolvedClusterOptions } from './options.ts'
import type { Watchdog } from './watchdog.ts'

/** One member that was started here. */
export interface TestMember {
  /** `127.0.0.1:port`. */
  readonly address: string
  readonly pid: number
  /** All it says goes there. */
  readonly logFile: string
  readonly state: 'running' | 'paused' | 'gone'
  /** SIGKILL: as if its machine lost power. Resolves when it is gone. */
  kill(): Promise<void>
  /** SIGSTOP: it answers nothing, its connections stay open. Until `resume`, `kill` or the end of the cluster. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** SIGTERM: it hands its data over and leaves, or is killed after `timeoutMs`. @param timeoutMs default 15_000 */
  leave(timeoutMs?: number): Promise<void>
}

export interface MemberStart extends MemberPlace {
  readonly java: string
  readonly jar: string
  readonly directory: string
  /** Tells the files of this start from those of others. */
  readonly name: string
  readonly options: ResolvedClusterOptions
  readonly watchdog: Watchdog
}

// Hazelcast asks for these on Java 17: without them it warns, and some of its faster paths are closed.
const OPENED = ['java.lang', 'sun.nio.ch'].map((name) => `java.base/${name}`)
const OPENINGS = [...OPENED, 'java.management/sun.management', 'jdk.management/com.sun.management.internal']
const MODULES = ['--add-modules', 'java.se', '--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED']
// Only Java's first compiler: a member starts with half the work.
const QUICK_START = '-XX:TieredStopAtLevel=1'

/** A member as a process: ends when told, or with this process. */
export class MemberProcess implements TestMember {
  readonly address: string
  readonly log: MemberLog
  /** Resolves when the process is gone, however it went. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  #state: TestMember['state'] = 'running'

  constructor({ java, jar, directory, name, options, watchdog, ...place }: MemberStart) {
    this.address = `127.0.0.1:${place.publicPort}`
    const config = join(directory, `${name}.yaml`)
    writeFileSync(config, memberYaml(options, place))
    this.log = new MemberLog(join(directory, `${name}.log`))
    const opens = OPENINGS.flatMap((opened) => ['--add-opens', `${opened}=ALL-UNNAMED`])
    const jvm = [`-Xmx${options.heap}`, '-XX:+UseSerialGC', QUICK_START, `-Dhazelcast.config=${config}`, `-Djava.io.tmpdir=${directory}`]
    const main = ['-cp', jar, 'com.hazelcast.core.server.HazelcastMemberStarter']
    // To a file and never a pipe: a member must not end because nobody reads what it says.
    const output = openSync(this.log.path, 'a')
    this.#child = spawn(java, [...MODULES, ...opens, ...jvm, ...options.javaArguments, ...main], {
      // Not HZ_...: those would change its configuration from outside.
      env: Object.fromEntries(Object.entries(options.env).filter(([variable]) => !variable.startsWith('HZ_'))),
      cwd: directory,
      detached: true,
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    const { pid } = this.#child
    if (pid !== undefined) watchdog.watch(pid)
    this.gone = new Promise((resolve) => {
      const end = (): void => {
        this.#state = 'gone'
        if (pid !== undefined) watchdog.unwatch(pid)
        resolve()
      }
      this.#child.once('exit', end).once('error', end)
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get logFile(): string {
    return this.log.path
  }

  get state(): TestMember['state'] {
    return this.#state
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    return this.gone
  }

  pause(): void {
    this.#signal('SIGSTOP', 'paused')
  }

  resume(): void {
    this.#signal('SIGCONT', 'running')
  }

  async leave(timeoutMs = 15_000): Promise<void> {
    if (this.#state === 'gone') return
    this.resume()
    this.#child.kill('SIGTERM')
    const killing = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs)
    await this.gone
    clearTimeout(killing)
  }

  #signal(signal: NodeJS.Signals, state: TestMember['state']): void {
    if (this.#state === 'gone') throw new ClusterError('GONE', `member ${this.address} has ended`)
    this.#child.kill(signal)
    this.#state = state
  }
}
