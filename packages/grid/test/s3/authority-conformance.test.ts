import { authorityCases } from '@stigmergy/grid/store/testing'
import { suite } from 'uvu'
import { findVersitygw, startVersitygw, type Versitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { createBench } from '../durable/authority-bench.ts'
import { openLeases } from './places.ts'
import { loginOf } from './server.ts'

const test = suite('conformance of authorities on S3')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)
let server: Versitygw | undefined

test.before(async () => {
  if (program !== undefined) server = await startVersitygw(program)
})
test.after(async () => {
  await server?.stop()
})

for (const [at, { name, run }] of authorityCases.entries()) {
  onServer(name, async () => {
    const login = loginOf(server as Versitygw)
    const bench = createBench(() => openLeases(login, `case-${at}/`))
    await run(bench)
    await bench.close()
  })
}

test.run()
