import { createHash } from 'node:crypto'

/** What happened, in order, as one hash: two runs are the same if their hashes are. */
export interface Trail {
  add(line: string): void
  hash(): string
}

const LINES = 1000

export function createTrail(): Trail {
  const hash = createHash('sha256')
  let lines: string[] = []
  const flush = (): void => {
    hash.update(lines.join('\n'))
    hash.update('\n')
    lines = []
  }
  return {
    add(line) {
      lines.push(line)
      if (lines.length >= LINES) flush()
    },
    hash() {
      flush()
      return hash.copy().digest('hex')
    },
  }
}
