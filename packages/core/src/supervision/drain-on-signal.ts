import type { ActorSystem } from '../actor-system.ts'
import type { DrainOptions, DrainReport } from './drain.ts'
import { functionOption, optionsOf, partsOption, quote, type Names } from '../check.ts'
import { CoreError } from '../errors.ts'
import { waitFor } from '../wait.ts'

export interface DrainOnSignalOptions extends Omit<DrainOptions, 'signal'> {
  /** @default ['SIGTERM', 'SIGINT'] */
  readonly signals?: readonly string[]
  /** What became of it. */
  report?(report: DrainReport): void
  /** Closed after the agents, within `closeTimeoutMs`, here 25 s where that is not given: the grid, a server, a telemetry that waits for a scrape. */
  after?(): Promise<void>
  /** Ends the process: 0 if everything was finished and written, else 1. @default process.exit */
  exit?(code: number): void
  /** Where the signals come from. @default process */
  readonly source?: Pick<NodeJS.EventEmitter, 'on' | 'removeListener'>
}

/** Longer than Prometheus takes to come by once more, and shorter than the 30 s that an orchestrator gives. */
const AFTER_MS = 25_000
const NAMES: Names<DrainOnSignalOptions> = {
  timeoutMs: true,
  closeTimeoutMs: true,
  signals: true,
  report: true,
  after: true,
  exit: true,
  source: true,
}

/** Those that end a process and can be listened to: others would never come. */
const SIGNALS: ReadonlySet<unknown> = new Set([
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGBREAK',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGPWR',
])

function listed(signals: unknown): string {
  return Array.isArray(signals) ? `[${signals.map(quote).join(', ')}]` : quote(signals)
}

/**
 * On SIGTERM or SIGINT the system is drained, then the process ends. A second signal cuts what is not finished.
 * Returns the end of it: the signals then do what they did before.
 */
export function drainOnSignal(system: ActorSystem, options: DrainOnSignalOptions = {}): () => void {
  if (typeof (system as Partial<ActorSystem> | null)?.drain !== 'function') {
    throw new CoreError('BAD_OPTION', `the system is ${quote(system)}: give what createSystem() returns`)
  }
  optionsOf('drainOnSignal', options, NAMES)
  const { signals = ['SIGTERM', 'SIGINT'], source = process, exit = (code: number) => process.exit(code) } = options
  if (!Array.isArray(signals) || signals.length === 0 || !signals.every((name: unknown) => SIGNALS.has(name)))
    throw new CoreError('BAD_OPTION', `signals is ${listed(signals)}: give some of ${[...SIGNALS].join(', ')}`)
  for (const name of ['report', 'after', 'exit'] as const) if (options[name] !== undefined) functionOption(name, options[name])
  partsOption('source', source, ['on', 'removeListener'], 'an emitter of signals')
  const { timeoutMs, closeTimeoutMs } = options
  const cut = new AbortController()
  let begun = false

  async function close(): Promise<number> {
    const report = await system.drain({ timeoutMs, closeTimeoutMs, signal: cut.signal })
    options.report?.(report)
    return report.cut.length === 0 && report.error === undefined ? 0 : 1
  }

  async function after(): Promise<void> {
    const late = (ms: number): CoreError => new CoreError('CLOSE_TIMEOUT', `what is closed after the agents took more than ${ms} ms`)
    const timeout = closeTimeoutMs ?? AFTER_MS
    await waitFor<void>(system.clock, { timeoutMs: timeout }, timeout, late, ({ resolve, reject }) => {
      Promise.resolve(options.after?.()).then(() => resolve(undefined), reject)
      return () => undefined
    })
  }

  // Whatever fails on the way, the process ends.
  async function leave(): Promise<void> {
    const code = await close().catch(() => 1)
    const rest = await after().then(
      () => 0,
      () => 1,
    )
    exit(Math.max(code, rest))
  }

  const onSignal = (): void => {
    if (begun) {
      cut.abort(new CoreError('CLOSED', 'a second signal'))
      return
    }
    begun = true
    void leave()
  }
  for (const signal of signals) source.on(signal, onSignal)
  return () => {
    for (const signal of signals) source.removeListener(signal, onSignal)
  }
}
