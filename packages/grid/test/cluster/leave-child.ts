// Starts a member, tells its pid and the directory of its files, and lives on until it is killed.
import { startCluster } from '@stigmergy/grid/testing'
import { dirname } from 'node:path'

const cluster = await startCluster({ members: 1 })
const [member] = cluster.members
console.log(JSON.stringify({ pid: member?.pid, directory: dirname(member?.logFile ?? '') }))
setInterval(() => {}, 1000)
