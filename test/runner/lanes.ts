import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readMarks } from './marks.ts'
import type { Report } from './report.ts'
import { takesAllCores } from './slow-files.ts'

/** What running in lanes needs. */
export interface LanesRun {
  /** How many lanes: processes, each of which runs one file at a time. */
  readonly lanes: number
  /** The command line of the run: its lanes read the same. */
  readonly argv: readonly string[]
  readonly report: Report
  /** Where the text of a file goes, whole, when the file is done. */
  readonly write: (text: string) => void
}

/** The answer to a lane that asks for a file. None: there is no more. */
export interface Handed {
  readonly file: string | undefined
}

const LANE = new URL('./lane.ts', import.meta.url)
/** What a lane sends when it is free for a file. */
export const NEXT = 'next'

/**
 * Runs the files in several processes at once. The first lane takes from the head and the others from the tail, until they meet:
 * with the slow files at the head, they meet among the quick ones, and two slow ones seldom run beside each other.
 * A lane that ends early fails the run and stops it: the others end the file they are at, and the rest does not run.
 */
export const runLanes = async (files: readonly string[], { lanes, argv, report, write }: LanesRun): Promise<void> => {
  const left = [...files]
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-lanes-'))
  let stopped = false
  // A first file that takes all cores runs alone: the other lanes begin after it.
  let free = (): void => {}
  const begin = takesAllCores(files[0]) ? new Promise<void>((resolve) => (free = resolve)) : Promise.resolve()

  const runLane = async (at: number): Promise<void> => {
    if (at > 0) await begin
    if (stopped) return
    // A file and no pipe: what was written is there, however the lane ends, and before it is said that a file is done.
    const output = openSync(join(folder, `${at}`), 'a+')
    const child = fork(LANE, [...argv], { stdio: ['ignore', output, output, 'ipc'] })
    let file: string | undefined
    let readTo = 0
    let told = false

    const readOn = (): void => {
      const bytes = Buffer.alloc(fstatSync(output).size - readTo)
      readTo += readSync(output, bytes, 0, bytes.length, readTo)
      const { text, marks } = readMarks(bytes.toString())
      write(text)
      for (const mark of marks) {
        if (mark.says === 'counts') report.add(mark.counts)
        else if (mark.says === 'failed') report.failed(mark.where, mark.what)
        else told = true
      }
    }
    child.on('message', (message) => {
      if (message !== NEXT) return
      readOn()
      if (file !== undefined) free()
      file = stopped ? undefined : at === 0 ? left.shift() : left.pop()
      // One that is gone by now is missed below.
      child.send({ file } satisfies Handed, () => {})
    })
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    readOn()
    closeSync(output)
    if (!told) report.fault(file ?? 'a lane', `its process ended early, with ${signal ?? `code ${code}`}`)
    if (!told || file !== undefined) stopped = true
    free()
  }

  try {
    await Promise.all(Array.from({ length: lanes }, (_, at) => runLane(at)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  if (left.length > 0) report.line(`\n  not run any more: ${left.length} of ${files.length} files`)
}
