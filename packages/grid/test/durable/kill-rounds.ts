import { openDurable } from '@stigmergy/grid/durable'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { bundleChild } from './child-code.ts'

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** Starts a process of this tree on the sources. */
export function startChild(file: string, args: readonly string[]): ReturnType<typeof spawn> {
  const flags = ['--conditions=@stigmergy/source', '--import', 'tsx', file, ...args]
  return spawn(process.execPath, flags, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Kills it with signal 9, and reads what it said to the end. Fails where it had ended by itself before: then nothing was shown. */
export async function killHard(child: ReturnType<typeof spawn>, exited: Promise<readonly unknown[]>, what: string): Promise<void> {
  child.kill('SIGKILL')
  const [code, signal] = await exited
  assert.is(signal, 'SIGKILL', `${what} had ended by itself, with ${String(code ?? signal)}`)
  if (child.stdout?.readableEnded === false) await once(child.stdout, 'end')
}

interface Ahead {
  /** One that begins now. */
  take(): ReturnType<typeof spawn>
  /** No more are needed. */
  end(): void
}

/** Processes one after the other, each of which has read its code before it is needed: it waits for the end of its input. */
export function startAhead(file: string, args: (round: number) => readonly string[]): Ahead {
  let round = 0
  const code = bundleChild(file)
  const start = (): ReturnType<typeof spawn> => {
    round += 1
    return spawn(process.execPath, [code.file, ...args(round)], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] })
  }
  let next = start()
  return {
    take() {
      const child = next
      next = start()
      child.stdin?.end()
      return child
    },
    end() {
      next.kill('SIGKILL')
      code.remove()
    },
  }
}

/** Kills a committing process with signal 9 at a random moment, again and again, and looks at the store after each. */
export async function killRounds(path: string, rounds: number, random: () => number): Promise<number> {
  const acknowledged = new Map<string, number>()
  const writers = startAhead(CHILD, (round) => [path, 'writer', String(round)])
  let told = 0
  try {
    for (let round = 1; round <= rounds; round++) told += await killRound(path, writers.take(), acknowledged, random, `round ${round}`)
    return told
  } finally {
    writers.end()
  }
}

async function killRound(
  path: string,
  child: ReturnType<typeof spawn>,
  acknowledged: Map<string, number>,
  random: () => number,
  round: string,
): Promise<number> {
  let told = 0
  const exited = once(child, 'exit')
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), exited])
  await wait(random() * 30)
  await killHard(child, exited, `${round}: the writer`)
  // The last line may be cut in the middle by the kill.
  for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) {
    const [id = '', rev = ''] = line.split(' ')
    assert.match(id, /^agent-/, line)
    acknowledged.set(id, Number(rev))
    told += 1
  }
  await check(path, acknowledged, round)
  return told
}

async function check(path: string, acknowledged: Map<string, number>, round: string): Promise<void> {
  const { store } = await openDurable({ path, revisions: 3 })
  try {
    for (const [id, rev] of acknowledged) {
      const records = await store.revisions(id)
      const found = records[0]?.rev ?? 0
      // One more than acknowledged: committed, and killed before it could say so.
      assert.ok(found === rev || found === rev + 1, `${round}: ${id} is at revision ${found}, acknowledged was ${rev}`)
      assert.equal(
        records.map((record) => record.rev),
        [found, found - 1, found - 2].filter((each) => each > 0),
        `${round}: revisions`,
      )
      for (const { rev: each, value } of records) assert.ok(whole(value, each), `${round}: ${id} revision ${each} is half-written`)
      const outbox = await store.outbox(id)
      assert.is(outbox.at(-1)?.seq ?? found, found, `${round}: the outbox ends with the state`)
      // What was seen must stay as well.
      acknowledged.set(id, found)
      assert.ok(
        outbox.every(({ seq, value }) => whole(value, seq)),
        `${round}: the outbox of ${id}`,
      )
    }
  } finally {
    await store.close()
  }
}

function whole(value: Uint8Array, rev: number): boolean {
  const bytes = Buffer.from(value)
  if (bytes.length !== 8 && bytes.length !== 8 * (1 + (((rev - 1) * 37) % 700))) return false
  for (let at = 0; at < bytes.length; at += 8) if (bytes.readBigUInt64BE(at) !== BigInt(rev)) return false
  return true
}
