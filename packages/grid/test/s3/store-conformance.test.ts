import { openS3, type S3Durable } from '@stigmergy/grid/s3'
import { storeCases } from '@stigmergy/grid/store/testing'
import { suite } from 'uvu'
import { findVersitygw, startVersitygw, type Versitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { clients, loginOf } from './server.ts'

const test = suite('conformance of stores on S3')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)
let server: Versitygw | undefined
let cases = 0

test.before(async () => {
  if (program !== undefined) server = await startVersitygw(program)
})
test.after(async () => {
  await server?.stop()
})

for (const { name, run } of storeCases) {
  for (const [client, connect] of Object.entries(clients)) {
    onServer(`${client}: ${name}`, async () => {
      const { bucket, done } = await connect(loginOf(server as Versitygw))
      const prefix = `case-${++cases}/`
      const opened: S3Durable[] = []
      try {
        await run({
          async open() {
            const durable = await openS3({ bucket, prefix, revisions: 3 })
            opened.push(durable)
            return durable.store
          },
        })
      } finally {
        await Promise.all(opened.map((durable) => durable.close()))
        done()
      }
    })
  }
}

test.run()
