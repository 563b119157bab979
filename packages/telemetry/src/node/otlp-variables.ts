import { readFileSync } from 'node:fs'
import { TelemetryError } from '../errors.ts'
import { quote } from '../options.ts'
import { get, positive, type Variables } from './variables.ts'

export type Signal = 'traces' | 'metrics' | 'logs'

/** What a server is trusted by, and what we show to it: PEM. */
export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** How an export of a signal is made. */
export interface OtlpSettings {
  readonly timeoutMs: number
  readonly tls: Tls
}

export type OtlpVariables = Readonly<Record<Signal, OtlpSettings>>

/**
 * The variables of OTLP that are no business of the exporters, as we give them an agent and a deadline. The one of a signal comes before
 * the common one: https://opentelemetry.io/docs/specs/otel/protocol/exporter/. Throws `TelemetryError` BAD_OPTION.
 */
export function readOtlp(variables: Variables): OtlpVariables {
  const common = positive(variables, 'OTEL_EXPORTER_OTLP_TIMEOUT', 10_000)
  const of = (signal: Signal): OtlpSettings => {
    const file = (name: string): string | undefined =>
      pem(variables, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`) ?? pem(variables, `OTEL_EXPORTER_OTLP_${name}`)
    const [ca, cert, key] = ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'].map(file)
    return {
      timeoutMs: positive(variables, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_TIMEOUT`, common),
      tls: { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) },
    }
  }
  return { traces: of('traces'), metrics: of('metrics'), logs: of('logs') }
}

function pem(variables: Variables, name: string): string | undefined {
  const path = get(variables, name)
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TelemetryError('BAD_OPTION', `${name} is ${quote(path)}, which cannot be read: give the path of a PEM file`, { cause: error })
  }
}
