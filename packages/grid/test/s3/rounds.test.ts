import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findVersitygw, startVersitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { pauseRounds } from '../durable/pause-rounds.ts'
import { createRandom } from '../random.ts'
import { s3Contender, serverKillRounds } from './rounds.ts'
import { loginOf } from './server.ts'

const test = suite('rounds on S3')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)

onServer('kill -9 of the server in the middle of commits, 10 rounds: all that was acknowledged is there, whole', async () => {
  await using server = await startVersitygw(program as string)
  const told = await serverKillRounds(server, 10, createRandom(3))
  assert.ok(told > 150, `${told} commits were acknowledged`)
})

onServer('SIGSTOP past the lease, 10 rounds: the fence never goes back, and a stale one is never accepted', async () => {
  await using server = await startVersitygw(program as string)
  const { fenced, commits } = await pauseRounds(s3Contender(loginOf(server)), 10)
  assert.ok(fenced >= 5, `${fenced} writes of a stale holder were refused`)
  assert.ok(commits > 50, `${commits} commits`)
})

test.run()
