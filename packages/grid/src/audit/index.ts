export type { Audit, AuditEntry, AuditReceipt, AuditStats } from './audit.ts'
export { openAudit } from './open-audit.ts'
export type { AuditOptions } from './open-audit.ts'
