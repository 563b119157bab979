// One lane: a process that runs the files it is handed, one after the other. All it says goes to its run, through its output.
import { once } from 'node:events'
import { NEXT, type Handed } from './lanes.ts'
import { resolveRunnerOptions } from './options.ts'
import { createLaneReport } from './report.ts'
import { runHere } from './run-here.ts'

/** The files, each asked for when the one before is done. While one runs, the channel to the run keeps nothing alive. */
async function* handed(): AsyncGenerator<string> {
  for (;;) {
    process.channel?.ref()
    const answer = once(process, 'message')
    process.send?.(NEXT)
    const [{ file }] = (await answer) as [Handed]
    process.channel?.unref()
    if (file === undefined) return
    yield file
  }
}

// A lane does not outlive its run.
process.once('disconnect', () => process.exit(1))
const options = resolveRunnerOptions(process.argv.slice(2), process.env)
if (typeof options === 'string') throw new TypeError('a lane is asked for no help')
await runHere(
  handed(),
  options,
  createLaneReport((text) => process.stdout.write(text)),
)
