import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { main } from '../src/cli/main.ts'

const test = suite('command line')

const call = async (...args: string[]) => {
  const out: string[] = []
  const err: string[] = []
  const { signal } = new AbortController()
  const code = await main(args, {
    out: (l) => out.push(l),
    err: (l) => err.push(l),
    write: async () => {},
    drained: async () => {},
    env: {},
    signal,
  })
  return { code, out, err }
}

const refusals: readonly [args: string[], line: string][] = [
  [['fly'], "swarm: unknown command 'fly' (see: swarm --help)"],
  [['rum'], "swarm: unknown command 'rum': did you mean run? (see: swarm --help)"],
  [['run', '--robts', '4'], 'swarm run: unknown option --robts: did you mean --robots? (see: swarm run --help)'],
  [['run', '--robots', 'four'], "swarm run: --robots is 'four', which is no number (see: swarm run --help)"],
  [['run', '--robots', '0'], '--robots is 0: give a whole number from 1 to 1000'],
  [['run', '--robots', '2.5'], '--robots is 2.5: give a whole number from 1 to 1000'],
  [['run', '--pick-time', 'normal'], "--pick-time is 'normal': give deterministic or exponential"],
  [['run', '--clock', 'sundial'], "--clock is 'sundial': give virtual (as fast as the machine can) or real"],
  [['run', '--seed', '-1'], '--seed is -1: give a whole number from 0 to 4294967295'],
  [['run', '--offered-load', '0'], '--offered-load is 0: give a number from 0.001 to 10000'],
  [['run', 'fast'], "swarm run: unexpected argument 'fast' (see: swarm run --help)"],
  [['replay'], 'swarm replay: DIR is missing (see: swarm replay --help)'],
]

for (const [args, line] of refusals) {
  test(`swarm ${args.join(' ')}: one line, exit code 2`, async () => {
    const { code, out, err } = await call(...args)
    assert.equal(err, [line])
    assert.equal(out, [])
    assert.is(code, 2)
  })
}

test('help of the program and of each command names its options', async () => {
  const { code, out } = await call('--help')
  assert.is(code, 0)
  for (const word of ['run', 'replay', 'demo', 'Exit codes']) assert.match(out.join('\n'), word)
  const run = await call('run', '--help')
  for (const word of ['--robots', '--offered-load', '--pick-time', '--seed', '--clock', '--json']) assert.match(run.out.join('\n'), word)
  const replay = await call('replay', '--help')
  for (const word of ['--speed', '--sessions', '--limit-ms', '--hold-ms', '--clock']) assert.match(replay.out.join('\n'), word)
})

test('an interrupted run ends with code 130 and prints no result', async () => {
  const out: string[] = []
  const err: string[] = []
  const controller = new AbortController()
  controller.abort()
  const code = await main(['run', '--parts', '1000'], {
    out: (l) => out.push(l),
    err: (l) => err.push(l),
    write: async () => {},
    drained: async () => {},
    env: {},
    signal: controller.signal,
  })
  assert.is(code, 130)
  assert.equal(out, [])
  assert.match(err.join('\n'), /interrupted after \d+ of 1000 parts/)
})

test.run()
