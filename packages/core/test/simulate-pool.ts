import { build } from 'esbuild'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SimulationReport } from '@stigmergy/core/testing'

const CHILD = fileURLToPath(new URL('./simulate-child.ts', import.meta.url))
/** Seeds that wait at a process, so that it never waits for the next one. */
const AHEAD = 2

/**
 * Simulates each seed in one of several processes, at least two; one that is listed twice is simulated twice, in two of them.
 * They run the sources as one file: what loads a module at a time also wraps each function, which costs a tenth of the whole.
 * Rejects if a process ends early. Reports come in the order of the seeds.
 */
export async function simulateAll(seeds: readonly number[]): Promise<readonly SimulationReport[]> {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-simulate-'))
  const children: ChildProcess[] = []
  try {
    const file = join(folder, 'child.mjs')
    await bundle(file)
    // Coverage is counted by the seed that is simulated in this process.
    const { NODE_V8_COVERAGE: _counted, ...env } = process.env
    const execArgv = ['--max-semi-space-size=64']
    for (let at = 0; at < Math.max(2, availableParallelism()); at++) children.push(fork(file, { env, execArgv }))
    return await share(seeds, children)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map(gone))
    await rm(folder, { recursive: true, force: true })
  }
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function bundle(outfile: string): Promise<void> {
  await build({
    entryPoints: [CHILD],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@stigmergy/source', 'import'],
    // msgpackr looks for its native part, and does without.
    banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
    logLevel: 'error',
  })
}

/** Gives each process the next seed that no other has. */
function share(seeds: readonly number[], children: readonly ChildProcess[]): Promise<readonly SimulationReport[]> {
  return new Promise((resolve, reject) => {
    const reports: SimulationReport[] = []
    let next = 0
    let done = 0
    if (seeds.length === 0) resolve(reports)
    const asks = children.map((child) => {
      const asked: number[] = []
      child.on('message', (report: SimulationReport) => {
        reports[asked.shift() as number] = report
        done += 1
        if (done === seeds.length) resolve(reports)
        else ask()
      })
      child.on('error', reject)
      child.on('exit', (code, signal) => {
        reject(new Error(`a process ended with ${signal ?? code} in the middle of seed ${seeds[asked[0] ?? -1] ?? 'none'}`))
      })
      const ask = (): void => {
        const at = next++
        if (at >= seeds.length) return
        asked.push(at)
        child.send(seeds[at] as number)
      }
      return ask
    })
    for (let ahead = 0; ahead < AHEAD; ahead++) for (const ask of asks) ask()
  })
}
