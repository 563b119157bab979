import { createSystem, isCoreError } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { counter } from './durable-counter.ts'

const test = suite('agents in a durable store')

const CHILD = fileURLToPath(new URL('durable-child.ts', import.meta.url))

/** A process that counts, killed after a few commits. Resolves to the last revision that it was told of. */
async function killed(path: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=@stigmergy/source', '--import', 'tsx', CHILD, path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += String(chunk)
    if (text.split('\n').length > 20) break
  }
  child.kill('SIGKILL')
  await exited
  return Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1))
}

test('an agent of a killed process resumes in the next one, and the older activation can write no more', async () => {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-agents-'))
  const acknowledged = await killed(path)

  const grid = await openGrid({ id: 'second' })
  const durable = await openDurable({ path })
  const before = await durable.store.get('counter')
  assert.ok(acknowledged >= 20 && (before?.rev ?? 0) >= acknowledged, `revision ${before?.rev}, acknowledged ${acknowledged}`)
  const ended: string[] = []
  const system = createSystem({ grid, store: durable.store, hooks: { onStop: (_, reason) => ended.push(reason) } })
  const agent = await system.spawn(counter, { id: 'counter', durability: 'checkpoint' })
  await agent.until((snapshot) => snapshot.context.from === 'checkpoint', { timeoutMs: 5000 })
  assert.ok(agent.snapshot.context.count > 0)

  // A third process takes over: this one's agent ends, though another class of error says so.
  const third = { owner: 'third', token: 99 }
  for (let taken = false; !taken;) {
    const rev = (await durable.store.get('counter'))?.rev ?? 0
    // The agent may write in between: then once more.
    taken = await durable.store.commit('counter', rev, third, new Uint8Array(1)).then(
      () => true,
      (error: unknown) => !isStoreError(error, 'STORE_CONFLICT'),
    )
  }
  agent.send({ type: 'up' })
  while (ended.length === 0) await nextTurn()
  assert.equal(ended, ['failed'])
  // It may still tell that this agent's last state is not stored.
  await system.close().catch((error: unknown) => assert.ok(isStoreError(error, 'STORE_FENCED'), String(error)))
  await grid.close()
  await durable.close()
  await rm(path, { recursive: true })
})

test('the lease of a killed process, in the directory of its store, keeps others out until it is over', async () => {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-agents-'))
  const acknowledged = await killed(path, '1500')
  const grid = await openGrid({ id: 'second' })
  const durable = await openDurable({ path })
  const authority = durable.authority()
  const before = await durable.store.get('counter')
  assert.is(before?.fence.owner, 'first')
  const options = { grid, store: durable.store, authority, leaseMs: 1500 }
  const [eager, patient] = [createSystem(options), createSystem({ ...options, leaseWaitMs: 30_000 })]
  const refused: unknown = await eager.spawn(counter, { id: 'counter', durability: 'checkpoint' }).catch((error: unknown) => error)
  assert.ok(isCoreError(refused, 'LEASE_HELD'), String(refused))
  const agent = await patient.spawn(counter, { id: 'counter', durability: 'checkpoint' })
  const after = await durable.store.get('counter')
  assert.is(after?.fence.owner, 'second')
  assert.ok((after?.fence.token ?? 0) > (before?.fence.token ?? 0))
  assert.ok((after?.rev ?? 0) > acknowledged)
  await agent.until((snapshot) => snapshot.context.from === 'checkpoint', { timeoutMs: 5000 })
  // Each revision but the first is of one event at the least.
  assert.ok(agent.snapshot.context.count > 0)
  await eager.close()
  await patient.close()
  await authority.close()
  await grid.close()
  await durable.close()
  await rm(path, { recursive: true })
})

test.run()
