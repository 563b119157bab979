// Reads without end in one transaction, until it is killed.
import { openEnvironment } from '../../src/durable/environment.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { tell } from './tell.ts'

const environment = await openEnvironment(resolveDurableOptions({ path: process.argv[2] ?? '' }))
const table = environment.table('meta', true)
environment.read(table, Buffer.from('schema_version'), 'the schema version')
table.useReadTransaction()
tell('reading')
setInterval(() => undefined, 1000)
