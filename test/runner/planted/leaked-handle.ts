import { createServer } from 'node:net'
import { suite } from 'uvu'

const test = suite('leak')
test('leaves a server open', () => new Promise<void>((done) => void createServer().listen(0, '127.0.0.1', done)))
test.run()
