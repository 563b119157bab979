import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { AgentInfo } from '@stigmergy/core'
import type { Resource } from '@opentelemetry/resources'
import type { Current } from '../current.ts'
import { TelemetryError } from '../errors.ts'
import { childFields, lineFields, type ChildFields } from '../logs/line-fields.ts'
import { logFields, type LogFields } from '../logs/log-fields.ts'
import { LEVEL_NAMES, levelName, silentLogger, type LogMethod, type Logger } from '../logs/logger.ts'
import type { Instruments } from '../metrics/instruments.ts'
import { createLabels } from '../labels.ts'
import type { GuardedStream } from './guarded-stream.ts'
import { withRefusals } from './partial-success.ts'
import { batchedLogSink } from './log-sink.ts'
import { logRecordOf } from './log-record.ts'
import { otlpConfig, type SinkParts } from './open-sinks.ts'
import type { Sink } from './sink.ts'

/** The logger and where its lines go. */
export interface OpenLogs {
  readonly logger: Logger
  readonly sinks: readonly Sink[]
  /** An agent is there: its lines of trouble begin to be counted at 0. */
  spawns(agent: AgentInfo): void
}

export interface OpenLogsParts extends SinkParts {
  readonly scope: string
  readonly resource: Resource
  readonly current: Current
  readonly instruments: Instruments
  /** Where lines go; undefined where no logs are wanted. */
  readonly destination: GuardedStream | undefined
}

/** Levels that somebody is alerted by. */
const TROUBLE = ['warn', 'error', 'fatal'] as const

type Pino = (options: object, destination: { write(line: string): void }) => Logger

/**
 * A logger of pino whose lines carry trace, plan and agent by themselves, and are counted.
 * Throws `TelemetryError` NO_PINO where it is wanted and not installed.
 */
export async function openLogs(parts: OpenLogsParts): Promise<OpenLogs> {
  const { settings, environment, options, tally, report, scope, resource, current, instruments } = parts
  const { logs } = settings
  const out = parts.destination
  if (logs === undefined || out === undefined) return { logger: silentLogger(), sinks: [], spawns: () => {} }
  const pino = await loadPino()
  const refused = (error: Error, lines: number): void => {
    tally.dropped.log += lines
    report('logs', error)
  }
  const otlp = settings.logsUrl === undefined ? undefined : new OTLPLogExporter(otlpConfig('logs', settings.logsUrl, parts))
  const exporters = [
    ...(otlp === undefined ? [] : [withRefusals<ReadableLogRecord>(otlp, 'rejectedLogRecords', refused) as LogRecordExporter]),
    ...(options.logExporters ?? []),
  ]
  const sinks = exporters.map((exporter) =>
    batchedLogSink(exporter, {
      tally,
      queueSize: environment.logQueueSize,
      batchSize: Math.min(512, environment.logQueueSize),
      delayMs: environment.logDelayMs,
      timeoutMs: environment.logExportTimeoutMs,
      onFailure: (error) => report('logs', error),
    }),
  )
  const counted = instruments.counter('log_records_total')
  const labels = createLabels(settings.base, settings.maxLabelValues)
  const count = (level: string, agentType: string | undefined, n: number): void => {
    const own = agentType === undefined ? labels.base : labels.with('agent_type', agentType)
    counted.bind({ ...own, level }).add(n)
  }
  // What appears with a value of 1 has never increased to Prometheus.
  for (const level of LEVEL_NAMES) count(level, undefined, 0)
  const spawns = ({ type }: AgentInfo): void => {
    for (const level of TROUBLE) count(level, type, 0)
  }
  const lost = (lines: number): void => void (tally.dropped.log += lines)
  const destination: Sink = {
    flush: () => out.settled(),
    async close() {
      await out.settled()
      out.release()
    },
    abort() {
      out.abandon()
      out.release()
    },
  }
  const record = { resource, scope: { name: scope } }
  const writing: Writing = { joinable: {}, hasText: false }
  const logger = pino(
    {
      level: logs.level,
      // The resource says who we are, once per export.
      base: { service: resource.attributes['service.name'] },
      mixin(_: object, level: number): LogFields {
        const fields = logFields(current.running)
        count(levelName(level), fields.agent_type, 1)
        return fields
      },
      mixinMergeStrategy: (given: object, joined: LogFields) => lineFields({ ...writing.joinable, ...given }, joined, writing.hasText),
    },
    {
      write(line) {
        out.write(line)
        if (sinks.length === 0) return
        const parsed = logRecordOf(line, record)
        if (parsed === undefined) lost(1)
        else for (const sink of sinks) sink.take(parsed)
      },
    },
  )
  return { logger: guardedLogger(logger, writing, {}, () => lost(1)), sinks: [...sinks, destination], spawns }
}

/** What is known of the line that is being written. */
interface Writing {
  joinable: ChildFields['joinable']
  hasText: boolean
}

/**
 * Lines are written in agents, which must not fail for a field that cannot be read (I7): what pino throws loses the line, counted.
 * `joinable`: see {@link ChildFields}.
 */
function guardedLogger(inner: Logger, writing: Writing, joinable: ChildFields['joinable'], lost: () => void): Logger {
  const guarded =
    (level: Exclude<keyof Logger, 'child'>): LogMethod =>
    (...args: readonly unknown[]) => {
      const outer = { ...writing }
      try {
        writing.joinable = joinable
        writing.hasText = typeof args[0] === 'object' && args[1] !== undefined
        inner[level](...(args as Parameters<LogMethod>))
      } catch {
        lost()
      } finally {
        // A field that is read for the line may write one itself.
        Object.assign(writing, outer)
      }
    }
  return {
    trace: guarded('trace'),
    debug: guarded('debug'),
    info: guarded('info'),
    warn: guarded('warn'),
    error: guarded('error'),
    fatal: guarded('fatal'),
    child(fields) {
      try {
        const own = childFields(fields, joinable)
        return guardedLogger(inner.child(own.others), writing, own.joinable, lost)
      } catch {
        lost()
        return guardedLogger(inner, writing, joinable, lost)
      }
    },
  }
}

async function loadPino(): Promise<Pino> {
  try {
    return (await import('pino')).pino as unknown as Pino
  } catch (error) {
    throw new TelemetryError('NO_PINO', 'logs are wanted and pino is not installed: install pino 10.4.0, or leave logs out', {
      cause: error,
    })
  }
}
