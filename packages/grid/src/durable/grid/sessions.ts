import { readFileSync } from 'node:fs'

/** One opening of the directory by one process, as it stands in the table of sessions. Only its own process writes it while it lives. */
export interface SessionRow {
  readonly pid: number
  /** When the process began, in the kernel's ticks: a pid comes back. */
  readonly began: string
  readonly boot: string
  /** Its log is gone up to and with this number. */
  readonly trimmedTo: number
  /** How far it has read the logs of others. */
  readonly read: ReadonlyMap<string, number>
}

export function packSession({ pid, began, boot, trimmedTo, read }: SessionRow): readonly unknown[] {
  return [pid, began, boot, trimmedTo, [...read]]
}

export function toSession(fields: readonly unknown[]): SessionRow {
  const [pid, began, boot, trimmedTo, read] = fields as [number, string, string, number, readonly (readonly [string, number])[]]
  return { pid, began, boot, trimmedTo, read: new Map(read) }
}

/** Does the process of this session still run? Doubt counts as life: a log is then kept longer than needed. */
export function isAlive({ pid, began, boot }: SessionRow, here: string): boolean {
  if (pid === 0 || boot !== here) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const now = beganAt(pid)
  return now === undefined || began === '' || now === began
}

/**
 * Field 22 of Linux's /proc/PID/stat, and empty for a process that is killed but still listed; undefined elsewhere.
 * The second field may hold spaces and brackets, so it is read from behind that.
 */
export function beganAt(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19]
  } catch {
    return undefined
  }
}
