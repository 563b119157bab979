import { suite } from 'uvu'

const first = suite('first')
first('runs', () => {})
first.run()

const second = suite('second')
second('never runs', () => {})
