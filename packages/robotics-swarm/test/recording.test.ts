import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findRecording } from '../src/recording/find-recording.ts'
import { generateRecording } from '../src/recording/generate-recording.ts'
import { openRecording } from '../src/recording/open-recording.ts'
import { countExpected } from '../src/recording/rows.ts'
import { writeRecording } from '../src/recording/write-recording.ts'
import { EVENT_HEADER, inFolder, POSITION_HEADER, writeLines } from './recording-kit.ts'

const test = suite('recording')

test('reads positions as columns and the events a cell acts on, in order of time', async () => {
  const { sessions } = await inFolder(async (dir) => {
    await writeLines(dir)
    return openRecording(dir)
  })
  const [a, b] = sessions
  assert.equal(
    sessions.map(({ session }) => session),
    ['a', 'b'],
  )
  assert.equal(a!.positions.rows, 2)
  assert.equal([...a!.positions.tMs], [1000, 1250])
  assert.equal([...a!.positions.zM], [0.3, 0.3])
  assert.equal([...a!.positions.status], [0, 0x002f0000])
  assert.equal(a!.eventsStartMs, 70)
  assert.equal(a!.events, [
    { type: 'reading', tMs: 80, distanceMm: 1.25 },
    { type: 'disc', tMs: 90 },
  ])
  assert.equal(b!.events, [{ type: 'disc', tMs: 60 }])
})

test('finds columns by name, takes plain CSV, CRLF, a byte order mark, quotes and blank lines at the end', async () => {
  const { sessions } = await inFolder(async (dir) => {
    const positions = ['\uFEFFstatus,"z_m",note,y_m,x_m,t_ms,session', '0,3,"a ""quoted"", note",2,1,7.5,"s, 1"', '', '']
    await writeFile(join(dir, 'robot_position.csv'), positions.join('\r\n'))
    await writeFile(join(dir, 'cell_events.csv'), EVENT_HEADER)
    return openRecording(dir)
  })
  assert.is(sessions.length, 1)
  const { session, positions, events, eventsStartMs } = sessions[0]!
  assert.is(session, 's, 1')
  assert.equal([positions.tMs[0], positions.xM[0], positions.yM[0], positions.zM[0]], [7.5, 1, 2, 3])
  assert.equal(events, [])
  assert.is(eventsStartMs, undefined)
})

test('rows of sessions may interleave, times may be equal, and an open gate that is told again is no change', async () => {
  const { sessions } = await inFolder(async (dir) => {
    const gate = ['open', 'open', 'closed', 'open'].map((state) => `a,5,Gate,GateState,${state},0`)
    await writeLines(dir, [POSITION_HEADER, 'a,5,0,0,0,0', 'b,1,0,0,0,0', 'a,5,0,0,0,0', 'b,2,0,0,0,0'], [EVENT_HEADER, ...gate])
    return openRecording(dir)
  })
  assert.equal(
    sessions.map(({ positions, events }) => [positions.rows, events.length]),
    [
      [2, 2],
      [2, 0],
    ],
  )
})

test('a session that has events only is a cell without a robot', async () => {
  const { sessions } = await inFolder(async (dir) => {
    await writeLines(dir, [POSITION_HEADER, 'a,5,0,0,0,0'], [EVENT_HEADER, 'c,5,Gate,GateState,open,0'])
    return openRecording(dir)
  })
  assert.equal(
    sessions.map(({ session, positions, events }) => [session, positions.rows, events.length]),
    [
      ['a', 1, 0],
      ['c', 0, 1],
    ],
  )
})

test('keeps the sessions that were asked for, in the order of the file', async () => {
  await inFolder(async (dir) => {
    await writeLines(dir)
    const only = await openRecording(dir, { sessions: ['b'] })
    assert.equal(
      only.sessions.map(({ session, positions }) => [session, positions.rows]),
      [['b', 1]],
    )
    const both = await openRecording(dir, { sessions: ['b', 'a', 'b'] })
    assert.equal(
      both.sessions.map(({ session }) => session),
      ['a', 'b'],
    )
  })
})

test('lines that lie across chunks of the stream stay whole', async () => {
  const rows = Array.from({ length: 30_000 }, (_, i) => `a,${i},${i / 1000},0,0,0`)
  const { sessions } = await inFolder(async (dir) => {
    await writeLines(dir, gzipSync([POSITION_HEADER, ...rows].join('\n')))
    return openRecording(dir)
  })
  const { rows: count, xM } = sessions[0]!.positions
  assert.is(count, 30_000)
  assert.ok(xM.every((x, i) => x === i / 1000))
})

test('a generated recording holds what it says, the same for the same seed', async () => {
  await inFolder(async (dir) => {
    const options = { seed: 7, sessions: 2, rows: 300, gaps: 5, discs: 40 }
    const expected = await generateRecording(join(dir, 'one'), options)
    assert.equal(await generateRecording(join(dir, 'two'), options), expected)
    assert.not.equal(await generateRecording(join(dir, 'three'), { ...options, seed: 8 }), expected)
    const { sessions } = await openRecording(join(dir, 'one'))
    assert.equal(
      sessions.map(({ session }) => session),
      Object.keys(expected),
    )
    for (const { session, positions, events } of sessions) {
      const counts = expected[session]!
      assert.is(positions.rows, 300)
      assert.is(counts.gapsOverMs['300']! > 2 && counts.gapsOverMs['300']! <= 5, true)
      assert.is(positions.tMs.at(-1)! - positions.tMs[0]!, counts.durationMs)
      assert.is(events.filter(({ type }) => type === 'disc').length, 40)
      assert.is(events.filter(({ type }) => type === 'reading').length, counts.qcReadings)
      assert.is(counts.discs, 40)
      assert.ok(counts.qcOk > 0 && counts.qcOk < counts.qcReadings)
    }
  })
})

test('generating refuses a value it cannot use and a folder that is there, and leaves nothing half-written', async () => {
  await inFolder(async (dir) => {
    const refused = async (options: Parameters<typeof generateRecording>[1], message: string): Promise<void> => {
      const error: Error | undefined = await generateRecording(join(dir, 'x'), options).then(
        () => undefined,
        (reason: Error) => reason,
      )
      assert.is(error?.message, message)
    }
    await refused({ rows: 0 }, 'rows is 0; it takes a whole number from 1')
    await refused({ gaps: 1.5 }, 'gaps is 1.5; it takes a whole number from 0')
    await refused({ rows: 3, gaps: 3 }, 'gaps is 3; 3 rows leave room for fewer')
    await refused({ seed: 0.5 }, 'seed is 0.5; it takes a whole number')
    const there = await generateRecording(dir).catch((error: Error) => error.message)
    assert.is(there, `${dir} is there already; a recording is written into a new folder`)
    assert.equal(await readdir(dir), [])
  })
})

test('expected counts: a gap counts if longer than the limit, a reading is ok below 1.5', async () => {
  const position = (tMs: number) => ({ session: 'a', tMs, xM: 0, yM: 0, zM: 0 })
  const reading = (value: string) => ({ session: 'a', tMs: 0, source: 'Quality Control', tag: 'DistanceAbs', value })
  const rows = { positions: [position(0), position(400), position(801)], events: [reading('1.5'), reading('1.499')] }
  assert.equal(countExpected(rows, [400]), {
    a: { positions: 3, discs: 0, qcReadings: 2, qcOk: 1, durationMs: 801, gapsOverMs: { 400: 1 } },
  })
  await inFolder(async (dir) => {
    await writeRecording(join(dir, 'new'), rows)
    assert.is((await openRecording(join(dir, 'new'))).sessions[0]!.positions.rows, 3)
    assert.equal(await readdir(dir), ['new'])
  })
})

test('findRecording: the environment first, then the folder beside the repository, else nothing', async () => {
  await inFolder(async (dir) => {
    const root = join(dir, 'repo')
    assert.is(await findRecording({ env: {}, root }), undefined)
    await generateRecording(join(dir, 'shared/data/siegen-demo-cell'), { rows: 10 })
    await generateRecording(join(dir, 'other'), { rows: 10 })
    assert.is(await findRecording({ env: {}, root }), join(dir, 'shared/data/siegen-demo-cell'))
    assert.is(await findRecording({ env: { STIGMERGY_DATA: join(dir, 'other') }, root }), join(dir, 'other'))
    assert.is(await findRecording({ env: { STIGMERGY_DATA: join(dir, 'shared/data') }, root }), join(dir, 'shared/data/siegen-demo-cell'))
    const wrong = await findRecording({ env: { STIGMERGY_DATA: '/nowhere' }, root }).catch((error: Error) => error.message)
    assert.match(wrong as string, /^STIGMERGY_DATA is "\/nowhere", where there is no recording; set it to /)
  })
})

test.run()
