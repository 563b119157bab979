export { openDurable } from './durable.ts'
export type { Durable } from './durable.ts'
export type { DurableOptions } from './options.ts'
