import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('examples')
const run = promisify(execFile)
const root = new URL('../', import.meta.url)
const names = (await readdir(new URL('examples/', root))).filter((name) => /^\d\d-.*\.ts$/.test(name)).sort()

/** The lines that an example says it prints: its `// →` comments, in order. */
const promised = (source: string): string[] => [...source.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1] ?? '')

test('there are the examples that the README counts on', () => {
  assert.equal(names.slice(0, 6), ['00-readme.ts', '01-hello.ts', '02-ask.ts', '03-supervision.ts', '04-world.ts', '05-control-loop.ts'])
})

for (const name of names) {
  test(`${name} is short, ends by itself and prints what it says`, async () => {
    const file = new URL(`examples/${name}`, root)
    const source = await readFile(file, 'utf8')
    assert.ok(source.split('\n').length <= 60, `${source.split('\n').length} lines`)
    const { stdout, stderr } = await run(process.execPath, ['--conditions=@stigmergy/source', '--import', 'tsx', fileURLToPath(file)], {
      cwd: fileURLToPath(root),
      timeout: 30_000,
    })
    assert.equal(stdout.trimEnd().split('\n'), promised(source))
    assert.is(stderr, '')
  })
}

test('the README shows the program that is compiled and run here', async () => {
  const readme = await readFile(new URL('README.md', root), 'utf8')
  const shown = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const [, ...program] = (await readFile(new URL('examples/00-readme.ts', root), 'utf8')).split('\n')
  assert.is(shown, program.join('\n'))
  assert.ok(shown.trimEnd().split('\n').length <= 25)
})

test.run()
