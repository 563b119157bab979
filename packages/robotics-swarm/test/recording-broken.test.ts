import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSwarmError, type SwarmErrorCode } from '../src/errors.ts'
import { openRecording } from '../src/recording/open-recording.ts'
import { EVENT_HEADER, GOOD_EVENTS, GOOD_POSITIONS, inFolder, POSITION_HEADER, writeLines } from './recording-kit.ts'

const test = suite('recording: broken ones')

/** Opens the folder and expects exactly this one line; DIR stands for the folder. */
async function refused(
  prepare: (dir: string) => Promise<unknown>,
  message: string | RegExp,
  code: SwarmErrorCode = 'BAD_RECORDING',
): Promise<void> {
  await inFolder(async (dir) => {
    await prepare(dir)
    const error: unknown = await openRecording(dir, code === 'UNKNOWN_SESSION' ? { sessions: ['z', 'a', 'y'] } : {}).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert.ok(isSwarmError(error, code), `expected ${code}, got ${String(error)}`)
    const told = error.message.replaceAll(dir, 'DIR')
    if (message instanceof RegExp) assert.match(told, message)
    else assert.is(told, message)
    assert.not.match(told, '\n')
  })
}

const positions =
  (...rows: readonly string[]) =>
  (dir: string) =>
    writeLines(dir, [POSITION_HEADER, ...rows])
const events =
  (...rows: readonly string[]) =>
  (dir: string) =>
    writeLines(dir, undefined, [EVENT_HEADER, ...rows])

test('no such folder, and a file in its place', async () => {
  const missing: unknown = await openRecording('/no/such/folder').catch((error: unknown) => error)
  assert.ok(isSwarmError(missing, 'BAD_RECORDING'))
  assert.is(
    missing.message,
    '/no/such/folder: there is no such folder; give the folder that holds robot_position.csv.gz and cell_events.csv.gz',
  )
  await inFolder(async (dir) => {
    const file = join(dir, 'file')
    await writeFile(file, '')
    const told: unknown = await openRecording(file).catch((error: unknown) => error)
    assert.ok(isSwarmError(told, 'BAD_RECORDING'))
    assert.is(told.message, `${file}: this is no folder; give the folder that holds robot_position.csv.gz and cell_events.csv.gz`)
  })
})

test('a missing file', async () => {
  await refused((dir) => writeLines(dir, null), 'DIR: robot_position.csv.gz is missing (a plain robot_position.csv would do as well)')
  await refused((dir) => writeLines(dir, undefined, null), 'DIR: cell_events.csv.gz is missing (a plain cell_events.csv would do as well)')
  await refused(async (dir) => {
    await writeLines(dir, null)
    await mkdir(join(dir, 'robot_position.csv.gz'))
  }, 'DIR: robot_position.csv.gz is missing (a plain robot_position.csv would do as well)')
})

test('a missing column, and one that stands twice', async () => {
  await refused(
    (dir) => writeLines(dir, ['session,t_ms,x_m,z_m,status', 'a,1,0,0,0']),
    'DIR/robot_position.csv.gz:1: column "y_m" is missing; the header is "session,t_ms,x_m,z_m,status" and must name session, t_ms, x_m, y_m, z_m, status',
  )
  await refused(
    (dir) => writeLines(dir, undefined, ['session,t_ms,source,tag,status']),
    /^DIR\/cell_events\.csv\.gz:1: column "value" is missing; /,
  )
  await refused(
    (dir) => writeLines(dir, [`${POSITION_HEADER},t_ms`]),
    'DIR/robot_position.csv.gz:1: column "t_ms" stands twice in the header',
  )
  await refused((dir) => writeLines(dir, ['a,1000,0,0,0,0']), /^DIR\/robot_position\.csv\.gz:1: column "session" is missing; /)
})

test('a row with too few or too many fields, an open quote, a blank line in the middle', async () => {
  await refused(positions('a,1,0,0,0,0', 'a,2,0,0,0'), 'DIR/robot_position.csv.gz:3: 5 fields, but the header has 6')
  await refused(positions('a,1,0,0,0,0,0'), 'DIR/robot_position.csv.gz:2: 7 fields, but the header has 6')
  await refused(events('"a,1,Gate,GateState,open,0'), 'DIR/cell_events.csv.gz:2: a quote is not closed, or stands in the middle of a field')
  await refused(
    events('a"b",1,Gate,GateState,open,0'),
    'DIR/cell_events.csv.gz:2: a quote is not closed, or stands in the middle of a field',
  )
  await refused(
    positions('a,1,0,0,0,0', '', 'a,2,0,0,0,0'),
    'DIR/robot_position.csv.gz:3: empty line; only the end of the file may have one',
  )
})

test('a value that is no number', async () => {
  await refused(positions('a,1,0.1,abc,0,0'), 'DIR/robot_position.csv.gz:2: y_m is "abc", which is no number')
  await refused(positions('a,1,0,0,,0'), 'DIR/robot_position.csv.gz:2: z_m is "", which is no number')
  await refused(positions('a,1,0x10,0,0,0'), 'DIR/robot_position.csv.gz:2: x_m is "0x10", which is no number')
  await refused(positions('a,1,0,0,0,good'), 'DIR/robot_position.csv.gz:2: status is "good", which is no status code (0 to 0xffffffff)')
  await refused(positions('a,1,0,0,0,-1'), 'DIR/robot_position.csv.gz:2: status is "-1", which is no status code (0 to 0xffffffff)')
  await refused(positions('a,1e999,0,0,0,0'), 'DIR/robot_position.csv.gz:2: t_ms is "1e999", which is no number')
  for (const time of ['NaN', 'Infinity', '', '12 ', '2020-10-12'])
    await refused(
      events(`a,${time},Gate,GateState,open,0`),
      `DIR/cell_events.csv.gz:2: t_ms is ${JSON.stringify(time)}, which is no number`,
    )
  await refused(
    events('a,1,Quality Control,DistanceAbs,far,0'),
    'DIR/cell_events.csv.gz:2: value of DistanceAbs is "far", which is no number',
  )
  await refused(positions(`a,1,${'9'.repeat(70)}x,0,0,0`), `DIR/robot_position.csv.gz:2: x_m is "${'9'.repeat(60)}…", which is no number`)
})

test('a time that is beyond all dates', async () => {
  for (const time of ['1.7e308', '-8640000000000001', '8.64001e15'])
    await refused(
      positions('a,1,0,0,0,0', `b,${time},0,0,0,0`),
      `DIR/robot_position.csv.gz:3: t_ms is "${time}", which is no time: give ms within ±8640000000000000`,
    )
  await refused(events('a,-1e300,Gate,Safe,true,0'), /^DIR\/cell_events\.csv\.gz:2: t_ms is "-1e300", which is no time/)
  await inFolder(async (dir) => {
    await writeLines(dir, [POSITION_HEADER, 'a,-8.64e15,0,0,0,0', 'a,8640000000000000,0,0,0,0'])
    const [a] = (await openRecording(dir)).sessions
    assert.equal([...a!.positions.tMs], [-8.64e15, 8.64e15])
  })
})

test('bytes that are no UTF-8, wherever the file is cut', async () => {
  const bytes = (...lines: readonly (string | readonly number[])[]): Uint8Array =>
    Buffer.concat(lines.flatMap((line) => [Buffer.from(line as string), Buffer.from('\n')]))
  const latin1 = [...Buffer.from('zürich,9,0,0,0,0', 'latin1')]
  await refused(
    (dir) => writeLines(dir, gzipSync(bytes(POSITION_HEADER, 'a,1,0,0,0,0', latin1, 'a,x,0,0,0,0'))),
    'DIR/robot_position.csv.gz:3: "z\uFFFDrich,9,0,0,0,0" is not UTF-8; save the file as UTF-8',
  )
  // What is wrong before it is told first.
  await refused(
    (dir) => writeLines(dir, gzipSync(bytes(POSITION_HEADER, 'a,x,0,0,0,0', latin1))),
    'DIR/robot_position.csv.gz:2: t_ms is "x", which is no number',
  )
  // A character that is cut off at the end of the file, and one far inside a long file.
  await refused(
    (dir) => writeLines(dir, gzipSync(Buffer.concat([bytes(POSITION_HEADER), Buffer.from([0x61, 0xc3])]))),
    /^DIR\/robot_position\.csv\.gz:2: "a\uFFFD" is not UTF-8/,
  )
  const many = Array.from({ length: 20_000 }, (_, i) => `zürich,${i},0,0,0,0`)
  await refused((dir) => writeLines(dir, gzipSync(bytes(POSITION_HEADER, ...many, latin1))), /^DIR\/robot_position\.csv\.gz:20002: /)
  await inFolder(async (dir) => {
    await writeLines(dir, gzipSync(bytes(POSITION_HEADER, ...many)))
    const { sessions } = await openRecording(dir, { sessions: ['zürich'] })
    assert.is(sessions[0]!.positions.rows, 20_000)
  })
})

test('a row without a session', async () => {
  await refused(positions(',1,0,0,0,0'), 'DIR/robot_position.csv.gz:2: session is empty; each row must name its session')
})

test('time that goes backwards within a stream', async () => {
  await refused(
    positions('a,10,0,0,0,0', 'b,5,0,0,0,0', 'a,9,0,0,0,0'),
    'DIR/robot_position.csv.gz:4: time goes backwards in session a: t_ms is 9 after 10 in line 2',
  )
  await refused(
    events('a,10,Gate,GateState,open,0', 'a,3,Store,DiscSize,1,0', 'a,9,Gate,Safe,true,0'),
    'DIR/cell_events.csv.gz:4: time goes backwards in session a, source Gate: t_ms is 9 after 10 in line 2',
  )
})

test('truncated gzip, gzip with flipped bytes, no gzip at all', async () => {
  const rows = Array.from({ length: 2000 }, (_, i) => `a,${i},${Math.sin(i)},0,0,0`)
  const whole = gzipSync([POSITION_HEADER, ...rows].join('\n'))
  const flipped = Uint8Array.from(whole)
  flipped[flipped.length - 6]! ^= 0xff
  await refused(
    (dir) => writeLines(dir, whole.subarray(0, whole.length >> 1)),
    /^DIR\/robot_position\.csv\.gz: truncated or broken gzip after line \d+ \(unexpected end of file\); copy the file again$/,
  )
  await refused(
    (dir) => writeLines(dir, flipped),
    /: truncated or broken gzip after line \d+ \(incorrect data check\); copy the file again$/,
  )
  await refused(
    (dir) => writeLines(dir, undefined, Buffer.from(GOOD_EVENTS.join('\n'))),
    'DIR/cell_events.csv.gz: truncated or broken gzip after line 0 (incorrect header check); copy the file again',
  )
})

test('an empty file, and one without rows', async () => {
  const needs = 'its first line must name session, t_ms, x_m, y_m, z_m, status'
  await refused((dir) => writeLines(dir, gzipSync('')), `DIR/robot_position.csv.gz: the file is empty; ${needs}`)
  await refused(async (dir) => {
    await writeLines(dir, null)
    await writeFile(join(dir, 'robot_position.csv'), '')
  }, `DIR/robot_position.csv: the file is empty; ${needs}`)
  const cut = 'DIR/robot_position.csv.gz: truncated or broken gzip after line 0 (unexpected end of file); copy the file again'
  await refused((dir) => writeLines(dir, new Uint8Array()), cut)
  await refused(positions(), 'DIR/robot_position.csv.gz: no rows after the header; there is nothing to replay')
})

test('something that is no text', async () => {
  await refused((dir) => writeLines(dir, gzipSync('x'.repeat(300_000))), /:1: a line longer than 65536 bytes: this is no CSV file$/)
})

test('a broken row of a session that was not asked for', async () => {
  await inFolder(async (dir) => {
    await writeLines(dir, [...GOOD_POSITIONS, 'c,1,?,0,0,0'])
    const error = await openRecording(dir, { sessions: ['a'] }).catch((reason: Error) => reason.message)
    assert.is(error, `${dir}/robot_position.csv.gz:5: x_m is "?", which is no number`)
  })
})

test('an unknown session, and a list that names none', async () => {
  await refused((dir) => writeLines(dir), 'DIR: no session "z", "y"; it holds a, b', 'UNKNOWN_SESSION')
  const none: unknown = await openRecording('.', { sessions: [] }).catch((error: unknown) => error)
  assert.ok(isSwarmError(none, 'BAD_OPTION'))
  for (const names of ['', 'a,', ',a', 'a,,b']) {
    const empty: unknown = await openRecording('.', { sessions: names.split(',') }).catch((error: unknown) => error)
    assert.ok(isSwarmError(empty, 'BAD_OPTION'))
    assert.is(
      empty.message,
      `sessions is ${JSON.stringify(names)}, where a name is empty; put one comma between two names, none at the ends`,
    )
  }
})

test('an interrupted reading', async () => {
  await inFolder(async (dir) => {
    await writeLines(dir)
    const error: unknown = await openRecording(dir, { signal: AbortSignal.abort() }).catch((reason: unknown) => reason)
    assert.ok(isSwarmError(error, 'ABORTED'))
  })
})

test.run()
