import type { Attributes } from '@opentelemetry/api'
import type { Exemplar } from './bound.ts'
import type { HistogramPoint, MetricFamily } from './registry.ts'

/** What a scraper asks for in `Accept`. */
export type TextFormat = 'open-metrics' | 'prometheus'

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  'open-metrics': 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
}

/** Characters of the labels of an exemplar together, at most: OpenMetrics 1.0, section "Exemplars". */
const EXEMPLAR_CHARACTERS = 128

/** More labels of an exemplar, such as `plan_id`, told when it is read. */
export type ExemplarLabels = (exemplar: Exemplar) => Readonly<Record<string, string>>

/**
 * The metrics as Prometheus reads them; exemplars only in OpenMetrics. `target`: attributes of the resource, told as `target_info`.
 * Formats: https://prometheus.io/docs/specs/om/open_metrics_spec/ and https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function metricsText(
  families: readonly MetricFamily[],
  target: Attributes,
  format: TextFormat,
  exemplarLabels: ExemplarLabels = planLabel,
): string {
  const open = format === 'open-metrics'
  const lines: string[] = []
  lines.push(`# HELP target${open ? '' : '_info'} Target metadata`, `# TYPE target${open ? ' info' : '_info gauge'}`)
  lines.push(`target_info${braces(target)} 1`)
  for (const family of families) {
    const { name, kind, description, unit } = family
    // OpenMetrics names a counter without the ending of its samples.
    const title = open && kind === 'counter' ? name.replace(/_total$/, '') : name
    lines.push(`# HELP ${title} ${escapeHelp(description, open)}`)
    lines.push(`# TYPE ${title} ${kind}`)
    if (open && unit === 's' && title.endsWith('_seconds')) lines.push(`# UNIT ${title} seconds`)
    if (family.kind === 'histogram') {
      for (const point of family.points) histogramLines(lines, name, point, open, exemplarLabels)
    } else {
      for (const { labels, value } of family.points) lines.push(`${name}${braces(labels)} ${numberText(value)}`)
    }
  }
  if (open) lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

/** A context came from anywhere: what is no text is no plan. */
const planLabel: ExemplarLabels = ({ trace: { planId } }) => (typeof planId === 'string' ? { plan_id: planId } : {})

function histogramLines(lines: string[], name: string, point: HistogramPoint, open: boolean, exemplarLabels: ExemplarLabels): void {
  const { labels, bounds, counts, sum, exemplars } = point
  // `le` is ours: with two of them no scraper would take the page.
  const own = pairs(labels).filter((pair) => !pair.startsWith('le="'))
  let count = 0
  for (const [bucket, inBucket] of counts.entries()) {
    count += inBucket
    const le = bucket < bounds.length ? numberText(bounds[bucket] as number) : '+Inf'
    const exemplar = exemplars[bucket]
    const tail = open && exemplar !== undefined ? exemplarText(exemplar, exemplarLabels) : ''
    lines.push(`${name}_bucket{${[...own, `le="${le}"`].join(',')}} ${count}${tail}`)
  }
  lines.push(`${name}_count${inBraces(own)} ${count}`, `${name}_sum${inBraces(own)} ${numberText(sum)}`)
}

function exemplarText(exemplar: Exemplar, more: ExemplarLabels): string {
  const { trace, value } = exemplar
  const labels: Record<string, string> = { trace_id: trace.traceId, span_id: trace.spanId }
  let used = 8 + 32 + 7 + 16
  for (const [name, text] of Object.entries(more(exemplar))) {
    // In UTF-16 units: never less than the characters the format counts.
    used += name.length + text.length
    // Too long for the format: it would cost the whole page. The trace leads to it as well.
    if (used > EXEMPLAR_CHARACTERS) break
    labels[name] = text
  }
  return ` # ${braces(labels)} ${numberText(value)}`
}

function braces(labels: Attributes): string {
  return inBraces(pairs(labels))
}

function inBraces(list: readonly string[]): string {
  return list.length === 0 ? '' : `{${list.join(',')}}`
}

/** Names that became the same word are told once, with all their values: a page with a label twice is refused whole. */
function pairs(labels: Attributes): string[] {
  const words = new Map<string, string>()
  for (const [name, value] of Object.entries(labels)) {
    if (value === undefined) continue
    const word = metricWord(name)
    const text = Array.isArray(value) ? JSON.stringify(value) : String(value)
    const known = words.get(word)
    words.set(word, known === undefined ? text : `${known};${text}`)
  }
  return [...words].map(([word, text]) => `${word}="${escapeLabel(text)}"`)
}

/** `http.request.method` -> `http_request_method`. What begins with two `_`, as `__name__`, is Prometheus' own, and would cost the page: one is left. */
export function metricWord(name: string): string {
  const word = name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^_{2,}/, '_')
  return /^([0-9]|$)/.test(word) ? `_${word}` : word
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function escapeHelp(text: string, open: boolean): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return open ? escaped.replaceAll('"', '\\"') : escaped
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}
