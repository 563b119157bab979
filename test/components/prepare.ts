// Fetches and builds the servers that the tests start, before any of them is under its time limit. The first time takes minutes.
import { clusterLacks } from '@stigmergy/grid/testing'
import { findPrometheus } from './prometheus.ts'
import { findVersitygw } from './versitygw.ts'
import { findZipkin } from './zipkin.ts'

console.log(`versitygw: ${(await findVersitygw()) ?? 'there is no Go to build it with'}`)
console.log(`Hazelcast: ${(await clusterLacks()) ?? 'its jar is here'}`)
console.log(`Prometheus: ${findPrometheus() ?? 'not installed'}`)
console.log(`Zipkin: ${(await findZipkin()) ?? 'there is no Java or Maven to fetch it with'}`)
