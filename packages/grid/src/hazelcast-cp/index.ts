export type { CpClient } from './client.ts'
export { openCpAuthority } from './open-cp-authority.ts'
export type { CpAuthorityOptions } from './options.ts'
