import { choiceOption, integerOption, numberOption, optionsOf, type Names } from '../check.ts'

/** How far an agent with `durability: 'gated'` may run ahead of its store. */
export interface GateOptions {
  /** Transitions that may wait for one commit; then nothing is taken from the mailbox until the next one begins. @default 256 */
  readonly maxTransitions?: number
  /**
   * Commits that may be under way at a time, of `maxTransitions` each. More than one only to a store that takes them in order (`ordered`),
   * and only while the agent would have to stop otherwise. @default 8
   */
  readonly maxCommits?: number
  /** Effects that may be undone (receivers that are full or not there); then nothing is taken from the mailbox. @default 1024 */
  readonly maxOutbox?: number
  /** How long one effect is tried, in milliseconds; then it is a dead letter. @default 60_000 */
  readonly giveUpMs?: number
  /**
   * When the store takes no state for `goneAfterMs`: `hold` waits for it, so that nothing is promised that is not kept; `degrade` lets
   * effects leave uncommitted until it is back. @default 'hold'
   */
  readonly whenStoreGone?: 'hold' | 'degrade'
  /** @default 5_000 */
  readonly goneAfterMs?: number
}

export type ResolvedGateOptions = Required<GateOptions>

const DEFAULTS: ResolvedGateOptions = {
  maxTransitions: 256,
  maxCommits: 8,
  maxOutbox: 1024,
  giveUpMs: 60_000,
  whenStoreGone: 'hold',
  goneAfterMs: 5000,
}

const NAMES: Names<GateOptions> = {
  maxCommits: true,
  maxTransitions: true,
  maxOutbox: true,
  giveUpMs: true,
  whenStoreGone: true,
  goneAfterMs: true,
}

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveGateOptions(options?: GateOptions): ResolvedGateOptions {
  if (options === undefined) return DEFAULTS
  optionsOf('gate', options, NAMES)
  return {
    maxTransitions: integerOption('gate.maxTransitions', options.maxTransitions, DEFAULTS.maxTransitions, 1),
    maxCommits: integerOption('gate.maxCommits', options.maxCommits, DEFAULTS.maxCommits, 1),
    maxOutbox: integerOption('gate.maxOutbox', options.maxOutbox, DEFAULTS.maxOutbox, 1),
    giveUpMs: numberOption('gate.giveUpMs', options.giveUpMs, DEFAULTS.giveUpMs, 0, Infinity),
    whenStoreGone: choiceOption('gate.whenStoreGone', options.whenStoreGone, DEFAULTS.whenStoreGone, ['hold', 'degrade']),
    goneAfterMs: numberOption('gate.goneAfterMs', options.goneAfterMs, DEFAULTS.goneAfterMs, 0, Infinity),
  }
}

/** True if an agent that takes nothing from its mailbox any more has run ahead by a whole mailbox more: its children go on by themselves. */
export function isOverrun(
  { gate, mailbox }: { readonly gate: ResolvedGateOptions; readonly mailbox: { readonly capacity: number } },
  uncommitted: number,
  held: number,
): boolean {
  return uncommitted >= gate.maxTransitions + mailbox.capacity || held >= gate.maxOutbox + mailbox.capacity
}
