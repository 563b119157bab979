import { createHash } from 'node:crypto'
import { appendFile, mkdir, open, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openGrid } from '@stigmergy/grid'
import { createWriteBehind } from '@stigmergy/grid/keep'
import { fence, fingerprint, inPlace, run } from './kit.ts'

const test = suite('stigmergy grid')

test('inspect shows what there is, for people and for programs', () =>
  inPlace(async (path) => {
    const { code, out } = await run(['grid', 'inspect', path])
    const text = out.join('\n')
    assert.is(code, 0)
    assert.match(text, /^store: 3 records$/m)
    assert.match(text, /^ {2}robot-1 +2 +host-1 +3 +7 B$/m)
    assert.match(text, /^maps: 1\n {2}name +entries\n {2}parts +2$/m)
    assert.match(text, /^ {2}planner +host-1 +1 +5000 ms$/m)
    assert.match(text, /^ {2}decisions: 35 records, offsets 0 to 35, 20 of them in blobs; 1 producer$/m)
    assert.match(text, /^ {4}billing +20 +15$/m)
    assert.match(text, /^ {2}policy@2\.3\.1 +[0-9a-f]{64}$/m)
    const { out: json } = await run(['grid', 'inspect', path, '--json', '--prefix', 'robot', '--limit', '0'])
    assert.is(json.length, 1)
    const found = JSON.parse(json[0] ?? '') as Record<string, unknown>
    assert.equal(found['store'], { records: 1, shown: [] })
    assert.equal(found['leases'], [{ name: 'planner', owner: 'host-1', fence: 1, ttlMs: 5000 }])
    const readers = { billing: { position: 20, lag: 15 } }
    assert.equal(found['journals'], [{ name: 'decisions', first: 0, cold: 20, end: 35, readers, producers: { planner: 35 } }])
  }))

test('get shows a record as text, as msgpack or as base64, its revisions and its outbox', () =>
  inPlace(async (path) => {
    assert.equal((await run(['grid', 'get', path, 'robot-1'])).out, ['robot-1 revision 2, by host-1 with fence 3, 7 bytes', '  {"x":2}'])
    const { out } = await run(['grid', 'get', path, 'robot-1', '--revisions', '--outbox', '--json'])
    const lines = out.map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.equal(
      lines.map(({ rev, outbox, value }) => [rev, outbox, value]),
      [
        [2, undefined, '{"x":2}'],
        [1, undefined, '{"x":1}'],
        [undefined, 1, 'send 0'],
        [undefined, 2, 'send 1'],
      ],
    )
    assert.is((await run(['grid', 'get', path, 'planner'])).out[1], '  {"x":7}')
    assert.is((await run(['grid', 'get', path, 'picture'])).out[1], '  base64 //4A')
    assert.equal((await run(['grid', 'get', path, 'picture', '--raw'])).bytes, Buffer.from([0xff, 0xfe, 0x00]))
  }))

test('get shows an entry of a map', () =>
  inPlace(async (path) => {
    const { out } = await run(['grid', 'get', path, 'p1', '--map', 'parts'])
    assert.match(out[0] ?? '', /^parts p1 version \d+, by .+, \d+ bytes$/)
    assert.is(out[1], '  {"x":1.5}')
    const { out: json } = await run(['grid', 'get', path, 'p1', '--map', 'parts', '--json'])
    const found = JSON.parse(json[0] ?? '') as { ttlMs: number | null; value: object; as: string }
    assert.equal([found.ttlMs, found.value, found.as], [60_000, { x: 1.5 }, 'msgpack'])
  }))

test('get shows values of maps as what they are, and entries that a keeper has stored', () =>
  inPlace(async (path, durable) => {
    const grid = await openGrid(durable.backend)
    const map = grid.map<unknown>('odd')
    const odd: readonly (readonly [unknown, unknown])[] = [
      [65, 65],
      [1.5, 1.5],
      ['dash', 'dash'],
      ['', ''],
      [true, true],
      [null, null],
      [-Infinity, { number: '-Infinity' }],
      [
        { a: 5n, b: '5n' },
        { a: { bigint: '5' }, b: '5n' },
      ],
      [
        [new Map([[1, 2]]), new Set(['x'])],
        [{ map: [[1, 2]] }, ['x']],
      ],
    ]
    for (const [at, [value]] of odd.entries()) await map.put(`k${at}`, value)
    for (const [at, [, shown]] of odd.entries()) {
      const { out } = await run(['grid', 'get', path, `k${at}`, '--map', 'odd', '--json'])
      const found = JSON.parse(out[0] ?? '') as { as: string; value: unknown }
      assert.equal([found.as, found.value], ['msgpack', shown])
    }
    const keeper = createWriteBehind(map, { store: durable.store, fence })
    await keeper.close()
    const { out } = await run(['grid', 'get', path, 'odd/k2'])
    assert.is(out[1], '  "dash"')
    await grid.close()
  }))

test('get shows a record of a journal, hot or cold, and a blob by its tag', () =>
  inPlace(async (path) => {
    for (const offset of [3, 30]) {
      const { out } = await run(['grid', 'get', path, String(offset), '--journal', 'decisions'])
      assert.match(out[0] ?? '', new RegExp(`^decisions ${offset}: 20.*Z planner ${offset + 1}, \\d+ bytes$`))
      assert.is(out[1], `  take part ${offset + 1}`)
    }
    assert.is((await run(['grid', 'get', path, 'policy@^2', '--blob'])).bytes.toString(), 'weights')
    const { out } = await run(['grid', 'get', path, 'policy', '--blob', '--json'])
    assert.equal(JSON.parse(out[0] ?? ''), { id: createHash('sha256').update('weights').digest('hex'), size: 7 })
  }))

test('tail shows the end, from where it is asked, and follows until it is interrupted', () =>
  inPlace(async (path, durable) => {
    const values = ({ out }: { readonly out: readonly string[] }): readonly string[] => out.map((line) => line.split('  ')[1] ?? '')
    assert.equal(values(await run(['grid', 'tail', path, 'decisions', '--last', '2'])), ['take part 34', 'take part 35'])
    assert.is((await run(['grid', 'tail', path, 'decisions'])).out.length, 10)
    assert.is((await run(['grid', 'tail', path, 'decisions', '--from', '0', '--json'])).out.length, 35)
    const journal = durable.journal('decisions')
    const following = run(['grid', 'tail', path, 'decisions', '--last', '1', '--follow'], (line, abort) => {
      if (line.endsWith('take part 35')) void journal.append('planner', 36, Buffer.from('take part 36'))
      if (line.endsWith('take part 36')) abort.abort()
    })
    const { code, out } = await following
    assert.equal([code, values({ out })], [130, ['take part 35', 'take part 36']])
    await journal.close()
  }))

test('verify reads everything and names what is damaged', () =>
  inPlace(async (path, durable) => {
    const well = await run(['grid', 'verify', path])
    assert.equal([well.code, well.out], [0, ['read 3 records, 2 entries of maps, 35 records of journals, 3 blobs, 3 tags', 'all is well']])
    const { id } = await durable.blobs.resolve('policy')
    await appendFile(join(path, 'blobs', 'objects', id.slice(0, 2), id), '!')
    const segment = (await durable.blobs.tags('journal/decisions')).find(({ version }) => version.startsWith('10.0.0'))?.id ?? ''
    await rm(join(path, 'blobs', 'objects', segment.slice(0, 2), segment))
    await durable.store.commit('sentinel', 0, fence, Buffer.from('sentinel-of-this-test'))
    await durable.store.commit('last', 0, fence, Buffer.from('x'))
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    const handle = await open(file, 'r+')
    for (let at = bytes.indexOf('sentinel-of-this-test'); at >= 0; at = bytes.indexOf('sentinel-of-this-test', at + 1))
      await handle.write('S', at)
    await handle.close()
    const { code, out } = await run(['grid', 'verify', path, '--json'])
    assert.is(code, 1)
    const { damaged, records } = JSON.parse(out[0] ?? '') as { damaged: { what: string; why: string }[]; records: number }
    assert.is(records, 4)
    assert.equal(
      damaged.map(({ what }) => what),
      ['record sentinel', 'journal decisions from 10 to 19', `blob ${id}`, `tag journal/decisions@10.0.0-b${segment.slice(0, 16)}`],
    )
    for (const [at, why] of [
      /check sum is wrong/,
      /old records of journal decisions lie in blob/,
      /is damaged: the SHA-256/,
      /there is no blob/,
    ].entries()) {
      assert.match(damaged[at]?.why ?? '', why)
    }
    assert.match((await run(['grid', 'verify', path])).out.at(-1) ?? '', /^4 damaged$/)
  }))

test('no command changes what it looks at', () =>
  inPlace(async (path) => {
    const before = await fingerprint(path)
    for (const args of [['inspect'], ['get', 'robot-1'], ['get', 'nothing'], ['tail', 'decisions'], ['tail', 'nothing'], ['verify']]) {
      await run(['grid', args[0] ?? '', path, ...args.slice(1)])
    }
    assert.equal(await fingerprint(path), before)
    const empty = join(path, 'empty')
    await mkdir(empty)
    assert.is((await run(['grid', 'inspect', empty])).code, 2)
    assert.equal(await readdir(empty), [])
  }))

test('typos and places that cannot be read: one line that says what, exit code 2', () =>
  inPlace(async (path) => {
    await writeFile(join(path, 'file'), 'x')
    await mkdir(join(path, 'begun'))
    await writeFile(join(path, 'begun', 'data.mdb'), '')
    await mkdir(join(path, 'other'))
    await writeFile(join(path, 'other', 'data.mdb'), 'no database at all')
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [['gird'], /^stigmergy: unknown command 'gird': did you mean grid\? \(see: stigmergy --help\)$/],
      [['grid', 'inspekt'], /^stigmergy grid: unknown command 'inspekt': did you mean inspect\? \(see: stigmergy grid --help\)$/],
      [['grid', 'inspect'], /^stigmergy grid inspect: PLACE is missing \(see: stigmergy grid inspect --help\)$/],
      [['grid', 'inspect', path, '--jsn'], /unknown option --jsn: did you mean --json\?/],
      [['grid', 'inspect', path, '--limit', 'x'], /--limit is 'x': give a whole number from 0 on/],
      [['grid', 'inspect', path, '--limit'], /--limit/],
      [['grid', 'inspect', path, 'more'], /unexpected argument 'more'/],
      [['grid', 'inspect', join(path, 'nowhere')], /^there is no directory ".*nowhere": give the directory of openDurable/],
      [['grid', 'inspect', join(path, 'file')], /is a file: give the directory it is in$/],
      [['grid', 'inspect', 'redis://host/0'], /^"redis:\/\/host\/0" cannot be looked into: give the directory/],
      [['grid', 'inspect', 's3://cell/'], /^AWS_ACCESS_KEY_ID is not set: to look into "s3:\/\/cell\/" set/],
      [['grid', 'inspect', join(path, 'blobs')], /^there is no store at /],
      [['grid', 'inspect', join(path, 'begun')], /is empty: whoever began it was killed/],
      [['grid', 'inspect', join(path, 'other')], /there is no lmdb header at byte 0$/],
      [['grid', 'get', path], /ID is missing/],
      [['grid', 'get', path, 'robot'], /^there is no record "robot": see what there is with inspect$/],
      [['grid', 'get', path, '99', '--journal', 'decisions'], /^journal "decisions" ends before 99/],
      [['grid', 'get', path, 'x', '--journal', 'decisions'], /^ID is "x": give an offset/],
      [['grid', 'get', path, 'x', '--raw', '--json'], /give --raw or --json, not both/],
      [['grid', 'get', path, 'x', '--blob', '--journal', 'a'], /give --blob or --journal, not both/],
      [['grid', 'get', path, 'p9', '--map', 'parts'], /^map "parts" has no key "p9"$/],
      [['grid', 'get', path, 'p9', '--map', 'part'], /^there is no map "part"; there are "parts"$/],
      [['grid', 'get', path, 'police', '--blob'], /^no tag "police" in "\*"/],
      [['grid', 'tail', path, 'decisions', '--from', '36'], /^journal "decisions" ends before 36: its end is 35$/],
      [['grid', 'tail', path, 'decisions', '--last', '-1'], /--last is '-1': give a whole number from 0 on/],
      [['grid', 'tail', path, 'decision'], /^there is no journal "decision"; there are "decisions"$/],
    ]
    for (const [args, line] of refusals) {
      const { code, out, err } = await run(args)
      assert.equal([code, out, err.length], [2, [], 1], args.join(' '))
      assert.match(err[0] ?? '', line)
    }
  }))

test('help of the program, of the group and of each command', async () => {
  assert.match((await run([])).out.join(), /Commands:\n {2}grid/)
  assert.match((await run(['grid', '--help'])).out.join(), /inspect PLACE[\s\S]*verify PLACE[\s\S]*Exit codes:/)
  for (const command of ['inspect', 'get', 'tail', 'verify']) {
    const { code, out } = await run(['grid', command, '--help'])
    assert.is(code, 0)
    assert.match(out.join(), new RegExp(`^stigmergy grid ${command} PLACE[\\s\\S]*--json[\\s\\S]*Examples:`))
  }
})

test.run()
