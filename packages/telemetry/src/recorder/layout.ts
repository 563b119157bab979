/**
 * How the flight recorder lies in shared memory, for the one thread that writes and any that read.
 * A header of 16 Int32, then records of 104 bytes in slots `seq & (capacity - 1)`.
 */

/** `STGR`: what a reader checks first. */
export const MAGIC = 0x53544752

/** Int32 fields of the header. */
export const HEADER = { magic: 0, head: 1, capacityLog2: 2 } as const
export const HEADER_BYTES = 64

/** Bytes of a record, and its size in Uint32; an offset in Float64 is half of one in Uint32. */
export const RECORD_BYTES = 104
export const RECORD_U32: number = RECORD_BYTES / 4

/** Float64 fields of a record. `seq` holds the number of the record plus one, so that an untouched slot reads as 0. */
export const F64 = { seq: 0, enqueuedAtMs: 1, startedAtMs: 2, endedAtMs: 3 } as const

/** Uint32 fields of a record. Texts are numbers of the string table. `back`: how many records ago the same trace had its last one. */
export const U32 = {
  trace: 8,
  spanHigh: 12,
  spanLow: 13,
  parentHigh: 14,
  parentLow: 15,
  back: 16,
  kind: 17,
  agentId: 18,
  agentType: 19,
  event: 20,
  from: 21,
  to: 22,
  stage: 23,
  restarts: 24,
  system: 25,
} as const

/** What a record is about. The low byte of the field `kind`. */
export const KIND = { transition: 1, root: 2, failure: 3, restart: 4, link: 5, change: 6, guest: 7, violation: 8 } as const

/**
 * Bits of the field `kind` above the low byte: it failed; it has more to tell than fits (kept on the heap of the writer); a rule keeps its
 * trace for it.
 */
export const FAILED = 0x100
export const EXTRA = 0x200
export const SYMPTOM = 0x400

/** From this bit of the field `kind` on: the number of the text of its plan, 0 if it has none. Numbers of texts are below 2 ** 20. */
export const PLAN_SHIFT = 12
