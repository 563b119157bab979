import type { TextMapPropagator } from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { TelemetryError } from '../errors.ts'
import { quote } from '../options.ts'

const KNOWN: Readonly<Record<string, () => TextMapPropagator>> = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
}
/** Of the variable, wherever it stands among others. */
const NONE = 'none'

/**
 * What goes along with requests, by the names of `OTEL_PROPAGATORS`; undefined: nothing does. Throws `TelemetryError` BAD_OPTION.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
 */
export function propagatorOf(names: readonly string[] = ['tracecontext', 'baggage']): TextMapPropagator | undefined {
  const propagators = [...new Set(names)].map((name) => {
    if (name === NONE) return undefined
    if (Object.hasOwn(KNOWN, name)) return KNOWN[name]?.()
    throw new TelemetryError('BAD_OPTION', `OTEL_PROPAGATORS is or holds ${quote(name)}: give ${Object.keys(KNOWN).join(', ')} or ${NONE}`)
  })
  if (names.includes(NONE)) return undefined
  return new CompositePropagator({ propagators: propagators.filter((propagator) => propagator !== undefined) })
}
