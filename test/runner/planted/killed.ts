import { suite } from 'uvu'

const test = suite('killed')
test('kills its own process', async () => {
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => {})
})
test.run()
