import type { Row } from './bench.ts'

/** A median over its limit by no more than this is still met: machines that are shared are that noisy. */
const SLACK = 1.25

/** What a cost may be at most, as a multiple of the peer's, by `bench`, `subject` and `peer`. Rows without a limit are shown beside. */
const LIMITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  core: {
    'tell-none|tell xstate': 1.25,
    'tell-checkpoint|tell xstate': 1.5,
    'tell-gated|tell xstate': 2,
    'ask|ask xstate': 1.25,
    'spawn|spawn xstate': 1,
    'bytes|bytes xstate': 0.5,
    'checkpoint|checkpoint xstate': 0.5,
    'record|payload xstate': 0.67,
    'restore|restore xstate': 0.5,
    'stop-10k|stop 1k': 1,
  },
  grid: {
    'local-read|Map': 3,
    'local-read|hazelcast-near-cache': 0.05,
    'local-read-ttl|Map': 5,
    'local-read-ttl|hazelcast-near-cache': 0.05,
    'freshness-1|hazelcast-listener': 1.1,
    'freshness-3|hazelcast-listener': 1.1,
    'write-1|hazelcast-set': 1.05,
    'write-3|hazelcast-set': 0.8,
    'write-hot|hazelcast-set': 0.4,
    // The same by a process that holds the map, too.
    'write-1-copy|hazelcast-set': 1.05,
    'write-3-copy|hazelcast-set': 0.8,
    'write-hot-copy|hazelcast-set': 0.4,
  },
  store: {
    'commit-grouped, process|lmdb, same rows': 1.25,
    'commit-serial, process|lmdb, fenced by hand': 1.5,
    'commit-grouped, host|lmdb, same rows': 1.25,
    'commit-serial, host|lmdb, fenced by hand': 1.5,
  },
  telemetry: {
    'recorder|xstate': 1.07,
    'recorder-adds|350 ns': 1,
    'histogram|otel': 0.1,
    'histogram|prom-client': 0.2,
    // Bad exporters beside a good one: as quick, but for what two rounds of the same work differ.
    'slow exporter|instant': 1,
    'dead exporter|instant': 1,
    'throwing exporter|instant': 1,
    'silent exporter|instant': 1,
    'busy-in-thread exporter|instant': 1,
    'heap after all rounds|after the first': 1,
  },
}

/** The limit of a row, and how the row stands against it. */
export function judged(bench: string, { subject, peer, ratio }: Row): { readonly limit: number; readonly verdict: string } | undefined {
  const limit = LIMITS[bench]?.[`${subject}|${peer}`]
  if (limit === undefined) return undefined
  if (ratio <= limit) return { limit, verdict: 'met' }
  return { limit, verdict: ratio <= limit * SLACK ? 'met within 25 %' : 'missed' }
}
