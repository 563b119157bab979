import { ClusterError } from './errors.ts'
import type { MemberProcess } from './member.ts'
import type { ResolvedClusterOptions } from './options.ts'

const LOOK_EVERY_MS = 25

/**
 * Waits until every running member serves clients and sees all the others, and the CP subsystem has formed if there is one.
 * The log is the only place where a member says all of that.
 */
export async function waitReady(
  members: readonly MemberProcess[],
  { timeoutMs, cpMembers }: ResolvedClusterOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const running = members.filter(({ state }) => state !== 'gone')
  const deadline = performance.now() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    const states = await Promise.all(running.map(({ log }) => log.state()))
    for (const [at, member] of running.entries()) {
      if (member.state !== 'gone') continue
      const [code, what] = (await member.log.state()).portTaken
        ? (['PORT_TAKEN', 'found its port taken'] as const)
        : (['START_FAILED', 'ended before it was ready'] as const)
      throw new ClusterError(
        code,
        `member ${at + 1} of ${running.length} at ${member.address} ${what}. The end of ${await member.log.end()}`,
      )
    }
    const awake = running.flatMap(({ state }, at) => (state === 'running' ? [states[at]] : []))
    const ready = awake.filter((state) => state?.started && isWhole(state.sees, running))
    if (ready.length === awake.length && (cpMembers === 0 || states.some((state) => state?.cp))) return
    if (performance.now() > deadline) {
      const logs = await Promise.all(running.map(({ log }) => log.end(8)))
      throw new ClusterError(
        'START_TIMEOUT',
        `${ready.length} of ${awake.length} members were ready after ${timeoutMs} ms.\n${logs.join('\n\n')}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** Every member that runs and no other. A paused one may have been given up by the others, or not yet. */
function isWhole(sees: readonly string[], running: readonly MemberProcess[]): boolean {
  const addresses = new Set(running.map(({ address }) => address))
  return (
    sees.every((address) => addresses.has(address)) && running.every(({ address, state }) => state === 'paused' || sees.includes(address))
  )
}
