import { suite } from 'uvu'
import { takesUpTo } from '../time-limit.ts'

takesUpTo(300)
const test = suite('own limit')
test('waits with a timer running', () => new Promise<void>(() => void setInterval(() => {}, 1000)))
test.run()
