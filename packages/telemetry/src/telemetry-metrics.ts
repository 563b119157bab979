import type { Attributes } from '@opentelemetry/api'
import type { Clock } from '@stigmergy/grid'
import type { Labels } from './labels.ts'
import type { Instruments } from './metrics/instruments.ts'
import type { Flight } from './recorder/flight.ts'
import type { Tally } from './tally.ts'

/**
 * What telemetry tells of itself. Zeros are told as well, so that a dashboard sees the series before the first loss. `ended`: aborted when
 * its end is meant.
 */
export function observeTally(instruments: Instruments, tally: Tally, base: Attributes, ended: AbortSignal | undefined): void {
  instruments.observe('telemetry_ending', (tell) => tell(ended?.aborted === true ? 1 : 0, base))
  instruments.observe('telemetry_dropped_total', (tell) => {
    for (const [what, count] of Object.entries(tally.dropped)) tell(count, { ...base, what })
  })
  instruments.observe('telemetry_export_failures_total', (tell) => {
    for (const [signal, count] of Object.entries(tally.exportFailures)) tell(count, { ...base, signal })
  })
}

/** How long counters have been counting: by that rules tell what was counted before the first scrape from what was counted long ago. */
export function observeUptime(instruments: Instruments, clock: Pick<Clock, 'now'>, base: Attributes): void {
  const sinceMs = clock.now()
  instruments.observe('telemetry_uptime_seconds', (tell) => tell((clock.now() - sinceMs) / 1000, base))
}

export function observeFlight(instruments: Instruments, { recorder, counts, slices }: Flight, base: Attributes): void {
  instruments.observe('telemetry_traces_kept_total', (tell) => {
    recorder.settle()
    for (const [reason, count] of Object.entries(recorder.keeper.kept)) tell(count, { ...base, reason })
  })
  instruments.observe('telemetry_coherent_trace_ratio', (tell) =>
    tell(counts.traces === 0 ? 1 : 1 - counts.incomplete / counts.traces, base),
  )
  instruments.observe('telemetry_traces_told_total', (tell) => tell(counts.traces, base))
  instruments.observe('telemetry_traces_incomplete_total', (tell) => tell(counts.incomplete, base))
  instruments.observe('telemetry_slices_lost_total', (tell) => {
    slices.settle()
    tell(slices.lost, base)
  })
  instruments.observe('telemetry_dropped_total', (tell) => {
    tell(recorder.strings.refused, { ...base, what: 'text' })
    tell(slices.unwatched, { ...base, what: 'slice' })
  })
  instruments.observe('telemetry_records_total', (tell) => {
    recorder.settle()
    tell(recorder.ring.head, base)
  })
  instruments.observe('telemetry_records_overwritten_early_total', (tell) => tell(recorder.ring.lostEarly, base))
}

/** What telemetry reads of a system of core. */
export interface WatchedSystem {
  readonly agents: readonly string[]
  agent(id: string): { readonly id: string; readonly type: string; readonly mailbox: { readonly waiting: number } } | undefined
}

/** What waits for every agent; beyond the bound of labels, for all the others together. Returns the end of it. */
export function observeMailboxes(instruments: Instruments, system: WatchedSystem, labels: Labels): () => void {
  return instruments.observe('agent_mailbox_depth', (tell) => {
    const depths = new Map<Attributes, number>()
    for (const id of system.agents) {
      const agent = system.agent(id)
      if (agent === undefined) continue
      const own = labels.ofAgent({ id: agent.id, type: agent.type, stage: undefined })
      depths.set(own, (depths.get(own) ?? 0) + agent.mailbox.waiting)
    }
    for (const [own, depth] of depths) tell(depth, own)
  })
}

/** A reader of a journal of `@stigmergy/grid`. */
export interface WatchedReader {
  readonly name: string
  lag(): number
}

/** Readers of a name are one consumer. Returns the end of it. */
export function observeJournal(instruments: Instruments, journal: string, reader: WatchedReader, labels: Labels): () => void {
  const own = Object.freeze({ ...labels.with('journal', journal), consumer: labels.with('consumer', reader.name)['consumer'] })
  return instruments.observe('journal_lag_records', (tell) => {
    try {
      tell(reader.lag(), own)
    } catch (error) {
      // A reader that was closed before us has nothing to tell any more.
      if ((error as { readonly code?: unknown } | undefined)?.code !== 'CLOSED') throw error
    }
  })
}
