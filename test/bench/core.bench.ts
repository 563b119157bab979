import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Bench, Row } from './bench.ts'
import { killed } from './core/killed.ts'
import { rowNames } from './core/rows.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ROUNDS = fileURLToPath(new URL('core/rounds.ts', import.meta.url))

export const bench: Bench = {
  title: 'Agents against plain XState and nact (tell: time on the clock; the others: time of the processors)',
  rows: rowNames,
  async run(wanted) {
    const rows = rowNames.filter(wanted)
    // What is published is measured, not what the loader of the sources makes of it: that one keeps names on each closure.
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', 'packages/core'], { cwd: ROOT })
    const { stdout, stderr } = await run(process.execPath, ['--expose-gc', '--import', 'tsx', ROUNDS, ...rows], {
      cwd: ROOT,
      maxBuffer: 1e8,
    })
    process.stderr.write(stderr)
    const measured = JSON.parse(stdout) as readonly Row[]
    if (!wanted('tell-gated')) return measured
    const path = mkdtempSync(join(tmpdir(), 'stigmergy-bench-'))
    try {
      const survived = await killed(path)
      return measured.map((row) => (row.subject === 'tell-gated' ? { ...row, verified: row.verified && survived } : row))
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  },
}
