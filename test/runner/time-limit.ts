import { channel } from 'node:diagnostics_channel'

/** Where `takesUpTo` tells the runner. */
export const LIMITS = 'stigmergy:test-limits'

/** Says, at the top of a file of tests, that it may take so long instead of the runner's limit for each file, counted from there. */
export const takesUpTo = (limitMs: number): void => channel(LIMITS).publish(limitMs)
