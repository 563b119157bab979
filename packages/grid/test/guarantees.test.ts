import { createVirtualClock, embedded, GUARANTEES } from '@stigmergy/grid'
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from './durable/places.ts'
import { renderGuarantees, renderHoldings } from '../src/guarantees.ts'

const test = suite('guarantees')

function doc(name: string): string {
  return readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')
}

test('the documents have the tables, word for word', () => {
  const backends = new Set(GUARANTEES.flatMap((one) => Object.keys(one.backends)))
  for (const backend of backends) assert.ok(doc('consistency').includes(`${renderGuarantees(backend)}\n`), renderGuarantees(backend))
  assert.ok(doc('near-cache').includes(`${renderHoldings()}\n`), renderHoldings())
})

test('the table says of a backend what its manifest says', async () => {
  const place = await newPlace()
  const manifests = { embedded: embedded(), 'embedded in a directory': embedded({ path: place.path }) }
  for (const [name, backend] of Object.entries(manifests)) {
    const driver = await backend.open({ id: 'x', session: 's', clock: createVirtualClock() })
    for (const { consistency, backends } of GUARANTEES) {
      assert.is(backends[name] !== undefined, driver.supports.consistency.has(consistency), `${name}: ${consistency}`)
    }
    await driver.close()
  }
  assert.ok(renderGuarantees('no such backend').includes('refused: UNSUPPORTED'))
  await place.done()
})

test.run()
