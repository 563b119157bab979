import type { HrTime } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { levelName } from '../logs/logger.ts'

/** Numbers of OpenTelemetry by the names of levels: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const SEVERITIES: Readonly<Record<string, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 }

/** Fields of a line that are told in places of their own. */
const OWN: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'err'])
export interface LogRecordParts {
  readonly resource: Resource
  readonly scope: ReadableLogRecord['instrumentationScope']
}

/** A line of pino's as OpenTelemetry's data model has it; undefined if it is no line of JSON. */
export function logRecordOf(line: string, { resource, scope }: LogRecordParts): ReadableLogRecord | undefined {
  let fields: unknown
  try {
    fields = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof fields !== 'object' || fields === null) return undefined
  const { trace_id: traceId, span_id: spanId, ...others } = fields as Readonly<Record<string, unknown>>
  const { level, time, msg, err } = others
  const inTrace = isId(traceId, 32) && isId(spanId, 16)
  const at = hrTimeOf(time)
  const severityText = levelName(level)
  return {
    hrTime: at,
    hrTimeObserved: at,
    ...(inTrace ? { spanContext: { traceId, spanId, traceFlags: 1 } } : {}),
    severityText,
    severityNumber: SEVERITIES[severityText] as NonNullable<ReadableLogRecord['severityNumber']>,
    body: typeof msg === 'string' ? msg : '',
    resource,
    instrumentationScope: scope,
    attributes: { ...otherFields(inTrace ? others : fields), ...errorFields(err) },
    droppedAttributesCount: 0,
  }
}

/** As W3C Trace Context has them. What is none stays a field: a collector refuses a whole batch for one such id in its place. */
function isId(id: unknown, digits: number): id is string {
  return typeof id === 'string' && id.length === digits && /^[\da-f]+$/.test(id) && /[^0]/.test(id)
}

function otherFields(fields: object): ReadableLogRecord['attributes'] {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !OWN.has(name))
      .map(([name, value]: [string, unknown]) => [name, asAttribute(value)]),
  )
}

function asAttribute(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : (value as string)
}

/** https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/ What is no error stays as it is. */
function errorFields(err: unknown): ReadableLogRecord['attributes'] {
  if (err === undefined) return {}
  const { type, message, stack } = (err ?? {}) as Readonly<Record<string, unknown>>
  const told = {
    ...(typeof type === 'string' ? { 'exception.type': type } : {}),
    ...(typeof message === 'string' ? { 'exception.message': message } : {}),
    ...(typeof stack === 'string' ? { 'exception.stacktrace': stack } : {}),
  }
  return Object.keys(told).length > 0 ? told : { err: asAttribute(err) }
}

function hrTimeOf(time: unknown): HrTime {
  const ms = typeof time === 'number' ? time : 0
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
}
