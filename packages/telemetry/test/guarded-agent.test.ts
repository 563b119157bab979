import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { guardedAgent } from '../src/node/guarded-agent.ts'

const test = suite('guarded-agent')

test('an error of a socket that belongs to no request ends nothing', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = await guardedAgent({})('http:')
  const socket = agent.createConnection({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }) as Socket
  await once(socket, 'connect')
  // What Node emits for a write that fails after the answer came; without a listener it would be thrown.
  assert.not.throws(() => socket.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })))
  socket.destroy()
  agent.destroy()
  server.close()
  await once(server, 'close')
})

test('the error of a request still reaches its owner', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const agent = await guardedAgent({})('http:')
  const [error] = await once(get({ agent, host: '127.0.0.1', port }), 'error')
  assert.is(error.code, 'ECONNREFUSED')
  agent.destroy()
})

test.run()
