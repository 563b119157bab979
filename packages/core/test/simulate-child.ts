// Simulates the seeds it is sent, one after the other, and answers each with its report.
import { simulate } from '../src/testing/index.ts'

let last: Promise<unknown> = Promise.resolve()
process.on('message', (seed: number) => {
  last = last.then(() => simulate({ seed })).then((report) => process.send?.(report))
})
