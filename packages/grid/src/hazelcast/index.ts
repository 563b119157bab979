export { hazelcast } from './backend.ts'
export type { HazelcastOptions } from './options.ts'
