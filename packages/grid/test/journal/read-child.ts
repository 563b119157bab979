// Reads the journal as one named reader and writes what it did to a file, each record with its offset, so that it can tell what it did.
// args: path, file, offset to end at, microseconds of work per record
import { openDurable } from '@stigmergy/grid/durable'
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

const [path = '', file = '', end = ''] = process.argv.slice(2)
const done = existsSync(file) ? readFileSync(file, 'utf8') : ''
// The line that the kill cut is done again.
const whole = done.lastIndexOf('\n') + 1
let next = done.slice(0, whole).split('\n').length - 1
const output = openSync(file, 'a')
ftruncateSync(output, whole)

const durable = await openDurable({ path })
const journal = durable.journal('audit')
const reader = await journal.reader('r')
writeSync(1, `from ${reader.position}\n`)
while (reader.position < Number(end)) {
  const records = await reader.next()
  const fresh = records.filter(({ offset }) => offset >= next)
  writeSync(
    output,
    fresh.map(({ offset, producer, seq, value }) => `${offset} ${producer} ${seq} ${Buffer.from(value).toString()}\n`).join(''),
  )
  next = reader.position
  await reader.save()
}
closeSync(output)
await journal.close()
await durable.close()
