import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSwarmError } from '../src/errors.ts'
import { openLogFile } from '../src/replay/log-file.ts'
import { inFolder, ROOT } from './recording-kit.ts'
import { recordingOf, replayVirtually, sessionOf } from './replay-kit.ts'

const test = suite('replay: log file')

const HINT = 'give a new name in a folder that is there, or a file to replace'

/** Replays with that log and expects this refusal, before a row was put. */
async function refused(log: string, why: string): Promise<void> {
  const error: unknown = await replayVirtually(recordingOf(sessionOf('a', [0])), { log }).catch((reason: unknown) => reason)
  assert.ok(isSwarmError(error, 'BAD_OPTION'), String(error))
  assert.is(error.message, `log ${JSON.stringify(log)} ${why}; ${HINT}`)
}

test('a new file, and one that is replaced only when the log is whole; its mode stays', async () => {
  await inFolder(async (dir) => {
    const path = join(dir, 'log')
    const first = openLogFile(path)
    first.write('one')
    assert.is(readdirSync(dir).includes('log'), false)
    first.finish()
    assert.is(readFileSync(path, 'utf8'), 'one')
    chmodSync(path, 0o600)
    const second = openLogFile(path)
    second.write('two')
    assert.is(readFileSync(path, 'utf8'), 'one')
    second.finish()
    second.discard()
    assert.is(readFileSync(path, 'utf8'), 'two')
    assert.is(statSync(path).mode & 0o777, 0o600)
    assert.equal(readdirSync(dir), ['log'])
  })
})

test('a link to a file stays a link: its file is replaced, where it is', async () => {
  await inFolder(async (dir) => {
    mkdirSync(join(dir, 'real'))
    writeFileSync(join(dir, 'real', 'file'), 'old')
    symlinkSync(join('real', 'file'), join(dir, 'link'))
    await replayVirtually(recordingOf(sessionOf('a', [0])), { log: join(dir, 'link') })
    assert.ok(lstatSync(join(dir, 'link')).isSymbolicLink())
    assert.match(readFileSync(join(dir, 'real', 'file'), 'utf8'), /^\{"type":"start"/)
    assert.equal(readdirSync(join(dir, 'real')), ['file'])
  })
})

test('anything but a regular file is refused, and stays as it is', async () => {
  await inFolder(async (dir) => {
    const at = (name: string): string => join(dir, name)
    mkdirSync(at('folder'))
    execFileSync('mkfifo', [at('pipe')])
    symlinkSync(at('pipe'), at('to-pipe'))
    symlinkSync(at('nothing'), at('to-nothing'))
    symlinkSync(at('circle'), at('circle'))
    symlinkSync(at('folder'), at('to-folder'))
    writeFileSync(at('file'), 'kept')
    const before = readdirSync(dir)
    await refused(at('folder'), 'is a folder')
    await refused(at('to-folder'), 'is a folder')
    await refused(at('pipe'), 'is no regular file')
    await refused(at('to-pipe'), 'is no regular file')
    await refused(at('to-nothing'), 'is a link to nothing')
    await refused(at('circle'), 'cannot be written (ELOOP)')
    await refused(at('no/log'), 'cannot be written (ENOENT)')
    await refused(at('file/log'), 'cannot be written (ENOTDIR)')
    await refused(at('new/'), 'names no file')
    await refused('', 'names no file')
    assert.equal(readdirSync(dir), before)
    assert.ok(lstatSync(at('pipe')).isFIFO())
    assert.is(readFileSync(at('file'), 'utf8'), 'kept')
  })
})

test('what took the name meanwhile is not destroyed', async () => {
  await inFolder(async (dir) => {
    const path = join(dir, 'log')
    const log = openLogFile(path)
    log.write('lines')
    mkdirSync(path)
    assert.throws(log.finish, (error: unknown) => isSwarmError(error, 'BAD_OPTION'))
    log.discard()
    assert.equal(readdirSync(dir), ['log'])
    assert.ok(statSync(path).isDirectory())
  })
})

test('a link that was turned meanwhile is not followed', async () => {
  await inFolder(async (dir) => {
    for (const name of ['one', 'two']) writeFileSync(join(dir, name), name)
    symlinkSync('one', join(dir, 'link'))
    const log = openLogFile(join(dir, 'link'))
    symlinkSync('two', join(dir, 'other'))
    renameSync(join(dir, 'other'), join(dir, 'link'))
    assert.throws(log.finish, /leads elsewhere than when the replay began/)
    log.discard()
    assert.equal(
      ['one', 'two'].map((name) => readFileSync(join(dir, name), 'utf8')),
      ['one', 'two'],
    )
  })
})

test('two logs of one name, and a draft left by another process, do not touch each other', async () => {
  await inFolder(async (dir) => {
    const path = join(dir, 'log')
    writeFileSync(`${path}.tmp-${process.pid}`, 'not ours')
    const [one, two] = [openLogFile(path), openLogFile(path)]
    one.write('one')
    two.write('two')
    one.finish()
    two.discard()
    assert.is(readFileSync(path, 'utf8'), 'one')
    assert.is(readFileSync(`${path}.tmp-${process.pid}`, 'utf8'), 'not ours')
    assert.is(readdirSync(dir).length, 2)
  })
})

test('a process that exits in the middle leaves no draft', async () => {
  await inFolder(async (dir) => {
    const module = fileURLToPath(new URL('../src/replay/log-file.ts', import.meta.url))
    const path = join(dir, 'log')
    const program = `const { openLogFile } = await import(${JSON.stringify(module)})
      openLogFile(${JSON.stringify(path)}).write('half')
      process.exit((await import('node:fs')).readdirSync(${JSON.stringify(dir)}).length)`
    let code: unknown
    try {
      execFileSync(process.execPath, ['--conditions=@stigmergy/source', '--import', 'tsx', '--input-type=module', '-e', program], {
        cwd: ROOT,
      })
    } catch (error) {
      code = (error as { readonly status: unknown }).status
    }
    assert.is(code, 1)
    assert.equal(readdirSync(dir), [])
  })
})

test.run()
