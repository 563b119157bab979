export { authorityCases } from './authority-cases.ts'
export type { AuthorityBench, AuthorityCase } from './authority-cases.ts'
export { storeCases } from './store-cases.ts'
export type { StoreBench, StoreCase } from './case.ts'
