// Opens directories as a power cut has left them, one after the other, and tells what of the commits of kill-child.ts is there:
// a line for each, `ID=REVISION ...`, or why it could not be opened or read.
import { openDurable } from '@stigmergy/grid/durable'

/** As kill-child.ts makes them. */
function whole(value: Uint8Array, rev: number): boolean {
  const bytes = Buffer.from(value)
  if (bytes.length !== 8 * (1 + (((rev - 1) * 37) % 700))) return false
  for (let at = 0; at < bytes.length; at += 8) if (bytes.readBigUInt64BE(at) !== BigInt(rev)) return false
  return true
}

for (const path of process.argv.slice(2)) {
  try {
    const { store, close } = await openDurable({ path, revisions: 3 })
    const found: string[] = []
    for await (const { id, rev } of store.scan()) {
      const revisions = await store.revisions(id)
      const sound = revisions.every((each, at) => each.rev === rev - at && whole(each.value, each.rev))
      const outbox = await store.outbox(id)
      found.push(`${id}=${sound && outbox.at(-1)?.seq === rev ? rev : 'broken'}`)
    }
    // It can be gone on with.
    await store.commit('after', 0, { owner: 'a', token: 1 }, Buffer.alloc(10_000))
    await close()
    console.log(found.join(' '))
  } catch (error) {
    console.log(`failed ${String(error)}`)
  }
}
