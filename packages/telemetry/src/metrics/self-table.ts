/** What telemetry tells of itself: rows of the table of metrics. */
export const SELF_METRICS = {
  telemetry_ending: {
    kind: 'gauge',
    unit: '{state}',
    labels: [],
    description: '1 from the moment telemetry is being closed: what is not seen any more then has ended on purpose. Else 0.',
  },
  telemetry_uptime_seconds: {
    kind: 'gauge',
    unit: 's',
    labels: [],
    description: 'Since when telemetry counts here, by a clock that does not step: what began of late has begun to count at 0.',
  },
  telemetry_traces_kept_total: {
    kind: 'counter',
    unit: '{trace}',
    labels: ['reason'],
    description: 'Traces kept, by the first reason, and again by a rule where the base share had kept it already.',
  },
  telemetry_coherent_trace_ratio: {
    kind: 'gauge',
    unit: '1',
    labels: [],
    description:
      'Kept traces of which every span is there, of this process and, with a keep port, of those before it, as a share of all exported.',
  },
  telemetry_traces_told_total: {
    kind: 'counter',
    unit: '{trace}',
    labels: [],
    description: 'Kept traces that were exported, whole or not.',
  },
  telemetry_traces_incomplete_total: {
    kind: 'counter',
    unit: '{trace}',
    labels: [],
    description: 'Kept traces that lack a span, as telemetry_coherent_trace_ratio counts them.',
  },
  telemetry_slices_lost_total: {
    kind: 'counter',
    unit: '{slice}',
    labels: [],
    description: 'Parts of our kept traces that other processes made and did not export in time: they died, or lost them.',
  },
  telemetry_records_total: {
    kind: 'counter',
    unit: '{record}',
    labels: [],
    description: 'Records written by the flight recorder.',
  },
  telemetry_records_overwritten_early_total: {
    kind: 'counter',
    unit: '{record}',
    labels: [],
    description: 'Records overwritten before they were as old as the history wanted: give the recorder more memory.',
  },
  telemetry_dropped_total: {
    kind: 'counter',
    unit: '{item}',
    labels: ['what'],
    description:
      'Lost by telemetry: span (queue full, export failed or refused in part, over `maxSpansPerTrace`, or overwritten before its kept trace was told; once, however many exporters lack it), log (queue full, export failed, or its destination took none), value (no finite number from 0), reading (threw, or told none), decision (not told to others), text (an id or name that the recorder had no room for: it is `other`), slice (a kept trace whose other parts were not waited for, as too many waited), detail (attributes, an error or a link of a span in a kept trace, let go as the recorder had no room for more).',
  },
  telemetry_export_failures_total: {
    kind: 'counter',
    unit: '{export}',
    labels: ['signal'],
    description: 'Exports that failed, timed out or were given up, by signal: traces, metrics, logs.',
  },
} as const
