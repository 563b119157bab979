import { readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ATTRIBUTES, METRICS, SPANS, TELEMETRY_ERRORS } from '@stigmergy/telemetry'

const test = suite('readme')
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

/** Rows of the table under a heading, each cell trimmed and without back quotes around it. */
function rows(heading: string): string[][] {
  const [, section] = readme.split(`\n## ${heading}\n`)
  assert.ok(section, `no heading ${heading}`)
  const lines = section
    .split(/\n## /, 1)[0]!
    .split('\n')
    .filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) =>
        cell
          .trim()
          .replaceAll('\\|', '|')
          .replace(/^`(.*)`$/, '$1'),
      ),
  )
}

test('errors', () => {
  assert.equal(
    rows('Errors'),
    Object.entries(TELEMETRY_ERRORS).map(([code, meaning]) => [code, meaning]),
  )
})

test('metrics', () => {
  assert.equal(
    rows('Metrics'),
    Object.entries(METRICS).map(([name, { kind, labels, description }]) => [name, kind, labels.join(', '), description]),
  )
})

test('spans', () => {
  assert.equal(
    rows('Spans'),
    Object.entries(SPANS).map(([name, when]) => [name, when]),
  )
})

test('attributes', () => {
  assert.equal(
    rows('Attributes'),
    Object.entries(ATTRIBUTES).map(([name, holds]) => [name, holds]),
  )
})

test.run()
