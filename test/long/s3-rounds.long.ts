import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pauseRounds } from '../../packages/grid/test/durable/pause-rounds.ts'
import { createRandom } from '../../packages/grid/test/random.ts'
import { s3Contender, serverKillRounds } from '../../packages/grid/test/s3/rounds.ts'
import { loginOf } from '../../packages/grid/test/s3/server.ts'
import { findVersitygw, startVersitygw } from '../components/versitygw.ts'
import { needs } from '../runner/needs.ts'

const test = suite('rounds on S3, long')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)

onServer('kill -9 of the server in the middle of commits, 100 rounds', async () => {
  await using server = await startVersitygw(program as string)
  const told = await serverKillRounds(server, 100, createRandom(4))
  assert.ok(told > 1500, `${told} commits were acknowledged`)
})

onServer('SIGSTOP past the lease, 200 rounds', async () => {
  await using server = await startVersitygw(program as string)
  const { fenced } = await pauseRounds(s3Contender(loginOf(server)), 200)
  assert.ok(fenced >= 100, `${fenced} writes of a stale holder were refused`)
})

test.run()
