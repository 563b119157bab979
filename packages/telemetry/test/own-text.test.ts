import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ownText } from '../src/own-text.ts'
import { planIn, planOf } from '../src/plan-id.ts'
import { plainAttributes, plainError } from '../src/recorder/plain.ts'
import { StringTable } from '../src/recorder/strings.ts'

const test = suite('texts of our own')
const MEGABYTE = 2 ** 20

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Megabytes that what is made of eight texts of a megabyte each holds. */
function held(make: (long: string, at: number) => unknown): number {
  const used = (): number => {
    gc()
    return process.memoryUsage().heapUsed / MEGABYTE
  }
  const before = used()
  const all = Array.from({ length: 8 }, (_, at) => make(String.fromCharCode(97 + at).repeat(MEGABYTE), at))
  const megabytes = used() - before
  assert.is(all.length, 8)
  return megabytes
}

test('are the same letters, in any script, also where a pair is cut', () => {
  for (const text of ['', 'a', 'grün', '機械 7', 'a🙂b', '\ud83d']) assert.is(ownText(text), text)
  assert.equal([ownText('a🙂b', 2), ownText('abc', 5), ownText('abc', 0)], ['a\ud83d', 'abc', ''])
})

test('hold nothing of what they were cut from, by us or before', () => {
  const table = new StringTable({ maxStrings: 100, maxBytes: 100_000 })
  const made: Readonly<Record<string, (long: string, at: number) => unknown>> = {
    'the first letters': (long) => ownText(long, 100),
    'an error with a long text': (long) => plainError(new Error(long)),
    'an error whose text was cut from a long one': (long) => plainError(new Error(long.slice(0, 100))),
    'what was thrown and is no error': (long) => plainError(long),
    'name and code of an error': (long) => plainError(Object.assign(new Error('x'), { name: long, code: long })),
    'attributes cut from a long text': (long) => plainAttributes({ one: long.slice(0, 100), some: [long.slice(100, 200)] }),
    'a long name in the table': (long) => table.intern(long),
    'an id in the table that was cut from a long text': (long) => table.internId(long.slice(0, 30)),
    'a plan': (long) => [planOf(long), planIn({ planId: long })],
  }
  for (const [what, make] of Object.entries(made)) {
    const megabytes = held(make)
    assert.ok(megabytes < 3, `${what}: ${megabytes.toFixed(1)} MB of 8`)
  }
})

test.run()
