import { suite } from 'uvu'

const test = suite('hang')
test('waits with a timer running', () => new Promise<void>(() => void setInterval(() => {}, 1000)))
test.run()
