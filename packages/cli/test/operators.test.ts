import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { run } from './kit.ts'

const test = suite('stigmergy operators')

const committed = new URL('../../../deploy/operators/', import.meta.url)

async function inPlace(use: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-operators-'))
  try {
    await use(path)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

test('writes the files that are in deploy/operators, and says which', () =>
  inPlace(async (path) => {
    const folder = join(path, 'new', 'folder')
    const { code, out, err } = await run(['operators', folder])
    assert.equal([code, err, out.length], [0, [], 8])
    for (const line of out) {
      const file = line.slice(folder.length + 2)
      assert.is(
        await readFile(join(folder, file), 'utf8'),
        await readFile(new URL(file, committed), 'utf8'),
        `${file}: run stigmergy operators`,
      )
    }
  }))

test('for programs, with limits of their own', () =>
  inPlace(async (path) => {
    const args = ['operators', path, '--namespace', 'cell-7', '--max-replicas', '40', '--map-age-seconds', '0.1', '--json']
    const { code, out } = await run(args)
    assert.is(code, 0)
    const { folder, files } = JSON.parse(out.join('\n')) as { readonly folder: string; readonly files: readonly string[] }
    assert.equal([folder, files.length], [path, 8])
    assert.match(await readFile(join(path, 'kubernetes/hpa.yml'), 'utf8'), /namespace: cell-7[^]*maxReplicas: 40/)
    assert.match(await readFile(join(path, 'prometheus/stigmergy.rules.yml'), 'utf8'), /> 0\.1/)
  }))

test('a folder that is not empty is left alone, but for --force', () =>
  inPlace(async (path) => {
    await writeFile(join(path, 'mine.yml'), 'mine')
    const refused = await run(['operators', path])
    assert.equal([refused.code, refused.out, await readdir(path)], [2, [], ['mine.yml']])
    assert.match(refused.err.join('\n'), /is not empty \(1 entry\): give another folder, or --force/)
    await mkdir(join(path, 'kubernetes'))
    await writeFile(join(path, 'kubernetes/hpa.yml'), 'old')
    assert.is((await run(['operators', path, '--force'])).code, 0)
    assert.is(await readFile(join(path, 'mine.yml'), 'utf8'), 'mine')
    assert.is.not(await readFile(join(path, 'kubernetes/hpa.yml'), 'utf8'), 'old')
    assert.equal(
      (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.part')),
      [],
    )
  }))

test('bad input is one line and leaves nothing behind', () =>
  inPlace(async (path) => {
    const folder = join(path, 'out')
    const file = join(path, 'file')
    await writeFile(file, '')
    const bad: readonly (readonly [readonly string[], RegExp])[] = [
      [[folder, '--namespace', 'Cell 7'], /^--namespace is "Cell 7": give a DNS label/],
      [[folder, '--min-replicas', '5', '--max-replicas', '3'], /^--max-replicas is 3: give an integer from 5/],
      [[folder, '--workload-kind', 'Job'], /^--workload-kind is "Job"/],
      [[folder, '--map-age-seconds', '-1'], /--map-age-seconds/],
      [[folder, '--namespase', 'x'], /--namespace/],
      [[], /DIR/],
      [[''], /DIR is "": give a folder/],
      [['', '--force'], /DIR is "": give a folder/],
      [[file], /cannot be written: ENOTDIR/],
      [[join(file, 'below'), '--force'], /cannot be written: ENOTDIR/],
    ]
    for (const [args, text] of bad) {
      const { code, out, err } = await run(['operators', ...args])
      assert.equal([code, out, err.length], [2, [], 1], args.join(' '))
      assert.match(err[0]!, text)
    }
    assert.not.ok(await stat(folder).catch(() => undefined))
  }))

test.run()
