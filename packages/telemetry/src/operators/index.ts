export { operatorFiles, writeOperatorFiles, type OperatorFile } from './files.ts'
export type { OperatorOptions } from './options.ts'
