import { suite } from 'uvu'

const test = suite('only one')
test.only('runs, and would hide the next test somebody adds', () => {})
test.run()
