// Fetches and builds what the tests start, before any of them is under its time limit.
import { clusterLacks } from '@stigmergy/grid/testing'
import { findVersitygw } from './versitygw.ts'

console.log(`versitygw: ${(await findVersitygw()) ?? 'there is no Go to build it with'}`)
console.log(`Hazelcast: ${(await clusterLacks()) ?? 'its jar is here'}`)
