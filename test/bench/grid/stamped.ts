import type { Part } from './parts.ts'

/** What the freshness bench writes: with when it was written, on the machine's monotonic clock. */
export type Stamped = Part & { readonly at: number }

/** Where Redis is told of it. */
export const CHANNEL = 'fresh'
