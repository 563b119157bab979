import { DEFECTS, simulate } from '@stigmergy/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('simulation')

test('the same seed is the same run; another seed is another', async () => {
  const [one, again, other] = [await simulate({ seed: 7 }), await simulate({ seed: 7 }), await simulate({ seed: 8 })]
  assert.equal(again, one)
  assert.is.not(other.hash, one.hash)
  assert.ok(one.events >= 50 * 200, String(one.events))
})

const FOUND_BY: Readonly<Record<(typeof DEFECTS)[number], RegExp>> = {
  unfenced: /^writer:/,
  forgetful: /^(message|effect|timer|write):/,
  hasty: /^(message|effect):/,
  credulous: /^effect:/,
  timeless: /^timer:/,
  backwards: /spawn of .* came after/,
}

for (const defect of DEFECTS) {
  test(`a defect is found within 200 seeds: ${defect}`, async () => {
    let found: string | undefined
    let seed = 0
    while (found === undefined && seed < 200) {
      const { violations } = await simulate({ seed: ++seed, defect })
      found = violations.find((text) => FOUND_BY[defect].test(text))
    }
    assert.ok(found, `${defect} was not found`)
    console.log(`  ${defect}: seed ${seed}, ${found}`)
  })
}

test.run()
