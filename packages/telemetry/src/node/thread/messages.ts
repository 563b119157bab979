import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { HandedRecord } from '../../recorder/handed.ts'
import type { RecorderMemory } from '../../recorder/read.ts'
import type { Tls } from '../otlp-variables.ts'
import type { OwedSpans } from './owed-spans.ts'

/** What the thread that exports spans is started with. */
export interface ThreadData {
  readonly memory: RecorderMemory
  readonly scope: string
  readonly resource: Attributes
  /** Milliseconds of the epoch at 0 of the recorder's clock. */
  readonly epochMs: number
  readonly genAi: boolean
  readonly queueSize: number
  readonly delayMs: number
  readonly exportTimeoutMs: number
  readonly otlp:
    | {
        readonly url: string
        readonly timeoutMs: number
        readonly headers: Readonly<Record<string, string>> | undefined
        readonly tls: Tls
      }
    | undefined
  /** URL of an ES module that exports `spanExporters`. */
  readonly module: string | undefined
}

/** A span of an instrumentation, as far as a message can carry it: without its methods and its resource. */
export type PlainSpan = Omit<ReadableSpan, 'spanContext' | 'resource'> & { readonly context: ReturnType<ReadableSpan['spanContext']> }

export type ToThread =
  /** `epochMs`: as in {@link ThreadData}, should the wall clock have stepped since. */
  | { readonly type: 'records'; readonly records: readonly HandedRecord[]; readonly epochMs: number }
  | { readonly type: 'guest'; readonly span: PlainSpan }
  | { readonly type: 'flush'; readonly id: number }
  | { readonly type: 'close'; readonly id: number }

export type FromThread =
  /** So many were taken out of the messages, and of those taken so far these are owed no more, or were lost: see {@link OwedSpans}. */
  | ({ readonly type: 'taken'; readonly count: number; readonly room: number } & ReturnType<OwedSpans['take']>)
  /** An export failed. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'done'; readonly id: number }
