import type { Entry } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createActor } from 'xstate'
import { createReplayRobot, type ReplayRobotEvent } from '../src/replay/replay-robot.ts'

const test = suite('replay: robot')

function put<V>(type: string, key: string, value: V): ReplayRobotEvent {
  return { type, key, value, entry: {} as Entry<V>, previous: undefined } as unknown as ReplayRobotEvent
}

test('works on one disc at a time, from the gate to the camera, and lets go of one the camera missed', () => {
  const finished: string[] = []
  const robot = createActor(createReplayRobot((disc) => finished.push(disc))).start()
  const hands = (): unknown => (robot.getSnapshot().value as { hands: unknown }).hands
  robot.send(put('quality.put', 'a', { distanceMm: 1, ok: true }))
  assert.equal(finished, [])
  robot.send(put('gates.put', 'a', { disc: 'a/1' }))
  assert.is(hands(), 'holding')
  robot.send(put('gates.put', 'a', { disc: 'a/2' }))
  assert.equal(finished, ['a/1'])
  robot.send(put('quality.put', 'a', { distanceMm: 1, ok: true }))
  assert.equal(finished, ['a/1', 'a/2'])
  assert.is(hands(), 'empty')
  assert.is(robot.getSnapshot().context.lastOk, true)
})

test('moves, holds and stops with the safety of its cell', () => {
  const robot = createActor(createReplayRobot(() => {})).start()
  const trace = ['HOLD', 'STOP', 'RUN'].map((state) => {
    robot.send(put('safety.put', 'a', { state }))
    return (robot.getSnapshot().value as { motion: unknown }).motion
  })
  assert.equal(trace, ['holding', 'stopped', 'moving'])
})

test('knows where it is', () => {
  const robot = createActor(createReplayRobot(() => {})).start()
  const position = { xM: 1, yM: 2, zM: 3, status: 0 }
  robot.send(put('robots.put', 'a', position))
  assert.equal(robot.getSnapshot().context.position, position)
})

test.run()
