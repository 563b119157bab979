// Appends numbered records of one producer until its number is reached; tells the last acknowledged one after each group.
// args: path, producer, up to which number, reader to wait for (or -), lag limit, delay of nothing
import { openDurable } from '@stigmergy/grid/durable'
import { writeSync } from 'node:fs'

const [path = '', producer = '', until = '', reader = '-', limit = '1000', group = '200'] = process.argv.slice(2)
const durable = await openDurable({ path })
const journal = durable.journal('audit')
for (let seq = (await journal.lastSeq(producer)) + 1; seq <= Number(until);) {
  if (reader !== '-') await journal.pauseWhenLag(reader, Number(limit))
  const last = Math.min(seq + Number(group) - 1, Number(until))
  const appends: Promise<unknown>[] = []
  for (; seq <= last; seq++) appends.push(journal.append(producer, seq, Buffer.from(`${producer} ${seq} ${'x'.repeat(seq % 97)}`)))
  await Promise.all(appends)
  // Synchronous: what is acknowledged has been told before the next group begins.
  writeSync(1, `${last} ${process.memoryUsage().rss}\n`)
}
await journal.close()
await durable.close()
