import type { Failure } from '@stigmergy/core'
import type { Clock, TraceContext } from '@stigmergy/grid'
import type { TextKind } from './strings.ts'

/** What of a record does not fit into it. Errors and attributes are plain: they hold nothing but themselves. */
export interface Extra {
  readonly error?: unknown
  readonly attributes?: object
  readonly link?: TraceContext
  readonly guest?: object
  readonly decision?: Failure['decision']
}

export interface RecorderParts {
  readonly clock: Clock
  readonly random: () => number
  /** There is something to export or to tell. Called often; must be cheap and must not come back here at once. */
  readonly wake: () => void
  /** A quarter of the ring was written since it was last called: what is kept must leave it before the next quarter overwrites it. */
  readonly pressure: () => void
  /** There is no place for more texts of that kind: new ones are `other`. Told once each. @default nobody is */
  readonly full?: ((what: TextKind) => void) | undefined
}
