import type { CellOptions } from '../cell/cell-options.ts'
import type { ResolvedCheckpointSpan } from '../durability/checkpoint-options.ts'
import type { ResolvedGateOptions } from '../durability/gate-options.ts'
import type { Migration } from '../durability/migration.ts'
import type { ResolvedSupervisionOptions, Supervisor } from '../supervision/supervisor.ts'

export type AgentStatus = 'running' | 'restarting' | 'stopped' | 'done' | 'failed'

export interface LifeOptions extends CellOptions {
  readonly gate: ResolvedGateOptions
  readonly checkpoint: ResolvedCheckpointSpan
  /** Infinity: never. */
  readonly passivateAfterMs: number
  readonly migrations: readonly Migration[] | undefined
  readonly supervision: ResolvedSupervisionOptions
  /** Decides over its restarts. Undefined: one of its own, by `supervision`. */
  readonly supervisor?: Supervisor | undefined
}
