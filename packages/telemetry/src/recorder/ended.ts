/**
 * Where the numbers of a transition that ended stand, from its place on in an array of those of many: a number that is handed from function
 * to function becomes an object on the way.
 */
export const ENDED = { enqueuedAtMs: 0, startedAtMs: 1, endedAtMs: 2, restarts: 3, size: 4 } as const
