// Begins a transaction of the environment, says so, and never ends it: what a process stopped in the middle of a commit does to others.
import { open } from 'lmdb'
import { writeSync } from 'node:fs'

const root = open({ path: process.argv[2] ?? '', noSubdir: false, maxDbs: 16 })
root.transactionSync(() => {
  writeSync(1, 'inside\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
