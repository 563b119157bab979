import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { startChild } from './kill-rounds.ts'

const CHILD = fileURLToPath(new URL('pause-child.ts', import.meta.url))

/** Starts processes that contend for a lease of this directory. */
export function lmdbContender(path: string): (owner: string) => ChildProcess {
  return (owner) => startChild(CHILD, [path, owner])
}

interface Party {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly exited: Promise<unknown>
}

function listen(child: ChildProcess, all: string[]): Party {
  const lines: string[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = `${rest}${chunk}`.split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    all.push(...parts)
  })
  return { child, lines, exited: once(child, 'exit') }
}

async function until(condition: () => boolean, what: string, limitMs = 15_000): Promise<void> {
  for (const endMs = performance.now() + limitMs; !condition(); await wait(5)) assert.ok(performance.now() < endMs, `waited for ${what}`)
}

const tokenOf = (lines: readonly string[]): number => Number(lines.findLast((line) => line.startsWith('lease '))?.slice(6) ?? 0)

/**
 * Stops the holder of the lease until another has taken over, then lets it go on: what it writes must be refused.
 * `start` starts a process that runs `contend`.
 */
export async function pauseRounds(
  start: (owner: string) => ChildProcess,
  rounds: number,
): Promise<{ readonly fenced: number; readonly commits: number }> {
  const all: string[] = []
  const parties = [listen(start('a'), all), listen(start('b'), all)]
  try {
    // Two processes start, and a cluster may just have come to agree on its CP members.
    await until(() => tokenOf(all) > 0, 'the first lease', 60_000)
    for (let round = 0; round < rounds; round++) {
      const before = all.length
      await until(() => all.slice(before).filter((line) => line.startsWith('rev ')).length >= 5, 'commits')
      const token = tokenOf(all)
      const holder = parties.find(({ lines }) => lines.includes(`lease ${token}`)) as Party
      holder.child.kill('SIGSTOP')
      // Stopped inside a transaction it keeps lmdb's lock, and nobody can take over before it goes on: then the round proves less.
      for (const endMs = performance.now() + 1500; performance.now() < endMs && tokenOf(all) === token;) await wait(10)
      holder.child.kill('SIGCONT')
      await until(() => tokenOf(all) > token || holder.lines.at(-1)?.startsWith('rev') === true, 'life after the pause')
      await until(
        () => tokenOf(all) === token || holder.lines.some((line) => line === `fenced ${token}` || line === `conflict ${token}`),
        'the refusal',
      )
    }
  } finally {
    for (const { child } of parties) child.kill('SIGKILL')
    await Promise.all(parties.map(({ exited }) => exited))
  }
  const leases = all.filter((line) => line.startsWith('lease ')).map((line) => Number(line.slice(6)))
  assert.equal(new Set(leases).size, leases.length, 'no token was given twice')
  const commits = all.filter((line) => line.startsWith('rev ')).map((line) => line.split(' ').slice(1).map(Number) as [number, number])
  const byRev = commits.toSorted(([a], [b]) => a - b)
  for (const [at, [rev, token]] of byRev.entries()) {
    const [lastRev, lastToken] = byRev[at - 1] ?? [0, 0]
    assert.ok(rev > lastRev, `revision ${rev} was acknowledged once`)
    assert.ok(token >= lastToken, `revision ${rev} has token ${token}, the one before had ${lastToken}: the fence went back`)
  }
  return { fenced: all.filter((line) => /^(fenced|conflict) /.test(line)).length, commits: commits.length }
}
