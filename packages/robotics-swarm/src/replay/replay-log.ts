import { openLogFile } from './log-file.ts'

/** The lines of a replay's log, by `type`. Times of acceptance are readings of the replay's clock. */
export type LogLine =
  | {
      readonly type: 'start'
      readonly schema_version: 1
      readonly startMs: number
      readonly speed: number
      readonly limitMs: number
      readonly holdMs: number
    }
  | { readonly type: 'row'; readonly session: string; readonly seq: number; readonly recordedMs: number; readonly acceptedAtMs: number }
  | {
      readonly type: 'stop'
      readonly session: string
      /** Sequence number of the last row before the silence. */
      readonly afterSeq: number
      readonly atMs: number
      readonly ageMs: number
      readonly seenBy: 'timer' | 'row'
    }
  | { readonly type: 'end'; readonly rows: number; readonly stops: number }

export interface ReplayLog {
  /** Never throws: it is called where cells are watched over. */
  write(line: LogLine): void
  /** Gives the log its name; until then it is a file beside. Throws what went wrong since it was opened. */
  finish(): void
  /** Leaves no file. Does nothing after `finish`. */
  discard(): void
}

const CHUNK = 65_536

/**
 * A log as lines of JSON, whole or not there. Written synchronously in pieces of 64 KiB: the lines never pile up in memory (I6),
 * and a virtual clock need not wait for a disk. Replaces a regular file of that name.
 * Throws `SwarmError` BAD_OPTION if the file cannot be written, or if its name is that of something else.
 */
export function openReplayLog(path: string): ReplayLog {
  const file = openLogFile(path)
  let failure: Error | undefined
  let pending = ''
  const flush = (): void => {
    file.write(pending)
    pending = ''
  }
  return {
    write(line) {
      if (failure !== undefined) return
      pending += `${JSON.stringify(line)}\n`
      if (pending.length < CHUNK) return
      try {
        flush()
      } catch (error) {
        failure = error as Error
      }
    },
    finish() {
      if (failure !== undefined) throw failure
      flush()
      file.finish()
    },
    discard: file.discard,
  }
}
