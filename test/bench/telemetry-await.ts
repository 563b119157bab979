import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Row } from './bench.ts'
import { compare } from './compare.ts'

const CHILD = fileURLToPath(new URL('telemetry-await-child.ts', import.meta.url))
const run = promisify(execFile)

/** An `await` in user code, in a process of its own: with telemetry, with AsyncLocalStorage entered, and with neither. */
export function awaitRows(): Promise<readonly Row[]> {
  const modes = ['plain', 'telemetry', 'async-context'] as const
  const round = async (mode: string): Promise<{ readonly cost: number; readonly verified: boolean }> => {
    const args = ['--conditions=@stigmergy/source', '--import', 'tsx', CHILD, mode]
    const { stdout } = await run(process.execPath, args, { timeout: 60_000 })
    const cost = Number(stdout)
    return { cost, verified: cost > 0 }
  }
  return compare(
    modes.map((name) => ({ name, round: () => round(name) })),
    [
      { subject: 'await', ours: 'telemetry', peer: 'plain' },
      { subject: 'await', ours: 'async-context', peer: 'plain' },
    ].map((pair) => ({ ...pair, subject: `await, ${pair.ours}` })),
    { rounds: 9, unit: 'ns of CPU' },
  )
}
