import { createHex } from './hex.ts'
import { F64, HEADER, HEADER_BYTES, KIND, MAGIC, PLAN_SHIFT, RECORD_BYTES, RECORD_U32, U32 } from './layout.ts'
import { readStrings } from './read-strings.ts'

export type RecordKind = keyof typeof KIND

/** A record of the ring in words. */
export interface FlightRecord {
  /** Counts up by one per record of the process. */
  readonly seq: number
  readonly kind: RecordKind
  readonly failed: boolean
  /** Monotonic ms of the clock of the process. */
  readonly enqueuedAtMs: number
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly traceId: string
  readonly spanId: string
  /** All zeros: none. */
  readonly parentId: string
  readonly agentId: string
  /** Type of the agent; of a change: the map. */
  readonly agentType: string
  /** Name of the system the agent lives in, as `forSystem` was told it; empty: it has none. */
  readonly system: string
  /** Type of the event; of a root: its name; of a restart: where the state came from. */
  readonly event: string
  readonly from: string
  readonly to: string
  readonly stage: string
  /** Id of the plan it belongs to; empty: none. */
  readonly plan: string
  readonly restarts: number
}

/** The shared memory of a recorder: give it to a worker thread. */
export interface RecorderMemory {
  readonly ring: SharedArrayBuffer
  readonly strings: SharedArrayBuffer
}

/** That of a recorder on this thread, where records may wait to be written: they are, before it is read. A copy on another thread is plain. */
export class OwnMemory implements RecorderMemory {
  readonly ring: SharedArrayBuffer
  readonly strings: SharedArrayBuffer
  readonly #settle: () => void

  constructor(ring: SharedArrayBuffer, strings: SharedArrayBuffer, settle: () => void) {
    this.ring = ring
    this.strings = strings
    this.#settle = settle
  }

  static settle(memory: RecorderMemory): void {
    if (#settle in memory) memory.#settle()
  }
}

export interface FlightReader {
  /** Records from number `from` on, 0 for all there are, oldest first, at most `limit`. `missed`: how many before the first one were overwritten. */
  read(from: number, limit?: number): { readonly records: readonly FlightRecord[]; readonly next: number; readonly missed: number }
}

const KINDS = Object.fromEntries(Object.entries(KIND).map(([name, code]) => [code, name])) as Readonly<Record<number, RecordKind>>

/** Reads a recorder's memory, from any thread, while it is written. Throws `TypeError` for memory that is none. */
export function readFlight(memory: RecorderMemory): FlightReader {
  const { ring, strings } = memory
  const header = new Int32Array(ring, 0, HEADER_BYTES / 4)
  if (header[HEADER.magic] !== MAGIC) throw new TypeError('this memory is no flight recorder: give recorder.memory')
  const f64 = new Float64Array(ring, HEADER_BYTES)
  const u32 = new Uint32Array(ring, HEADER_BYTES)
  const copy = new SharedArrayBuffer(RECORD_BYTES)
  const asF64 = new Float64Array(copy)
  const asU32 = new Uint32Array(copy)
  const text = readStrings(strings)
  const hex = createHex()

  /** The newest number, whose low half is in the header: near `from`, as a reader is never 2 ** 31 records behind. */
  const headFrom = (from: number): number => from + ((Atomics.load(header, HEADER.head) - from) | 0)
  const capacity = (): number => 2 ** Atomics.load(header, HEADER.capacityLog2)

  /** The same for a reader that begins late, and knows no number: the newest record has its own, whole. */
  const newestFrom = (from: number): number => {
    const low = Atomics.load(header, HEADER.head)
    const newest = f64[(((low - 1) & (capacity() - 1)) * RECORD_U32) / 2 + F64.seq] as number
    return (newest | 0) === low ? newest : headFrom(from)
  }

  const isThere = (seq: number): boolean => headFrom(seq) - seq < capacity()

  const copied = (seq: number): boolean => {
    const at = (seq & (capacity() - 1)) * RECORD_U32
    asU32.set(u32.subarray(at, at + RECORD_U32))
    // Checked after the copy: the writer is at work in the slot of the record after the newest.
    return asF64[F64.seq] === seq + 1 && f64[at / 2] === seq + 1 && isThere(seq)
  }
  const word = (at: number): string => hex.word(asU32[at] as number)
  const name = (at: number): string => text(asU32[at] as number)

  return {
    read(from, limit = Infinity) {
      OwnMemory.settle(memory)
      const head = newestFrom(from)
      const oldest = Math.max(from, head - capacity())
      const records: FlightRecord[] = []
      let missed = oldest - from
      let seq = oldest
      for (; seq < head && records.length < limit; seq++) {
        if (copied(seq)) {
          records.push({
            seq,
            kind: KINDS[(asU32[U32.kind] as number) & 0xff] ?? 'transition',
            failed: ((asU32[U32.kind] as number) & 0x100) !== 0,
            enqueuedAtMs: asF64[F64.enqueuedAtMs] as number,
            startedAtMs: asF64[F64.startedAtMs] as number,
            endedAtMs: asF64[F64.endedAtMs] as number,
            traceId: word(U32.trace) + word(U32.trace + 1) + word(U32.trace + 2) + word(U32.trace + 3),
            spanId: word(U32.spanHigh) + word(U32.spanLow),
            parentId: word(U32.parentHigh) + word(U32.parentLow),
            agentId: name(U32.agentId),
            agentType: name(U32.agentType),
            system: name(U32.system),
            event: name(U32.event),
            from: name(U32.from),
            to: name(U32.to),
            stage: name(U32.stage),
            plan: text((asU32[U32.kind] as number) >>> PLAN_SHIFT),
            restarts: asU32[U32.restarts] as number,
          })
        } else missed += 1
        // Its texts were looked up after it was copied, and those of a record that is gone may be others by now.
        if (records.at(-1)?.seq === seq && !isThere(seq)) {
          records.pop()
          missed += 1
        }
      }
      return { records, next: seq, missed }
    },
  }
}
