// What the two processes of a pipeline tell each other, and how telemetry's decisions travel with it.
import type { TraceContext } from '@stigmergy/grid'
import type { KeepDecision, KeepPort, SliceReceipt } from '@stigmergy/telemetry'

export type Stage = 'planner' | 'arm'
export type Fault = 'planner-error' | 'planner-slow' | 'violation' | 'arm-error'

/** One pipeline on its way. */
export interface Job {
  readonly trace: TraceContext
  readonly fault: Fault | undefined
}

export interface TracedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
}

export type Message =
  | { readonly kind: 'work'; readonly stage: Stage; readonly jobs: readonly Job[] }
  | { readonly kind: 'done'; readonly jobs: readonly Job[] }
  | { readonly kind: 'decisions'; readonly decisions: readonly KeepDecision[] }
  | { readonly kind: 'slices'; readonly receipts: readonly SliceReceipt[] }
  | { readonly kind: 'flush' }
  | { readonly kind: 'flushed'; readonly spans: readonly TracedSpan[]; readonly dropped: number; readonly ratio: number }

/** The channel between two processes. */
export interface Line {
  send(message: Message): void
  on(hear: (message: Message) => void): () => void
}

/** Decisions and receipts over the line. */
export function lineKeepPort(line: Line): KeepPort {
  return {
    tell: (decisions) => line.send({ kind: 'decisions', decisions }),
    listen: (hear) =>
      line.on((message) => {
        if (message.kind === 'decisions') for (const decision of message.decisions) hear(decision)
      }),
    tellSlices: (receipts) => line.send({ kind: 'slices', receipts }),
    listenSlices: (hear) =>
      line.on((message) => {
        if (message.kind === 'slices') for (const receipt of message.receipts) hear(receipt)
      }),
  }
}

/** A context as a message carries it. */
export const plain = ({ traceId, spanId, traceFlags }: TraceContext): TraceContext => ({ traceId, spanId, traceFlags })
