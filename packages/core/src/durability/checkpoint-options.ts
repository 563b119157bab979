import { integerOption, numberOption, optionsOf, type Names } from '../check.ts'

/** How far what is stored of an agent with `durability: 'checkpoint'` may be behind: a crash of the process loses that much. */
export interface CheckpointSpan {
  /** Stored after so many transitions. @default 1: after each turn of the agent, of up to 64 events */
  readonly transitions?: number
  /** And after so many milliseconds at the latest. @default 1_000 */
  readonly ms?: number
}

export type ResolvedCheckpointSpan = Required<CheckpointSpan>

const DEFAULTS: ResolvedCheckpointSpan = { transitions: 1, ms: 1000 }
const NAMES: Names<CheckpointSpan> = { transitions: true, ms: true }

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveCheckpointSpan(options?: CheckpointSpan): ResolvedCheckpointSpan {
  if (options === undefined) return DEFAULTS
  optionsOf('checkpoint', options, NAMES)
  return {
    transitions: integerOption('checkpoint.transitions', options.transitions, DEFAULTS.transitions, 1),
    ms: numberOption('checkpoint.ms', options.ms, DEFAULTS.ms, 0, Infinity),
  }
}
