import { writeSync } from 'node:fs'

/** Synchronous: what is acknowledged has been told before the next write begins. Waits while whoever reads is slow. */
export function tell(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}
