import { decide, type Decision, type History, type ResolvedSupervisionOptions } from './supervisor.ts'

/**
 * What a supervisor restarts when a child fails, by OTP's names: that child alone, all its children, or that child and those that
 * were started after it.
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** When a child is restarted: whenever it ends by itself; when it fails; never. */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** The children to bring down and to start again, in order of their start. Pure. */
export function affectedBy(strategy: Strategy, children: readonly string[], failed: string): readonly string[] {
  if (strategy === 'one-for-one') return [failed]
  return strategy === 'one-for-all' ? children : children.slice(children.indexOf(failed))
}

/** A restart that a supervisor has decided. */
export interface Past {
  readonly child: string
  readonly atMs: number
}

/**
 * What to do about a child that ended by itself or failed. The window counts all children (OTP); the pause grows with the restarts of
 * those that are restarted together. Pure; `random` is in [0, 1).
 */
export function decideFor(
  child: { readonly id: string; readonly restart: Restart },
  how: 'failed' | 'done',
  strategy: Strategy,
  past: readonly Past[],
  options: ResolvedSupervisionOptions,
  random: number,
  nowMs: number,
): Decision {
  if (child.restart === 'temporary' || (how === 'done' && child.restart === 'transient')) return { type: 'stop' }
  const times = (own: readonly Past[]): History => own.map(({ atMs }) => atMs)
  const decision = decide(times(past), options, random, nowMs)
  if (decision.type !== 'restart') return { type: 'escalate' }
  if (strategy !== 'one-for-one') return decision
  return decide(times(past.filter((restart) => restart.child === child.id)), options, random, nowMs)
}
