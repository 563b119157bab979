import { channel } from 'node:diagnostics_channel'
import type { Callback, Test } from 'uvu'

/** One test that did not run, and what it lacked. */
export interface Skip {
  readonly test: string
  readonly needs: string
}

/** Where `needs` tells the runner of a skipped test. */
export const SKIPS = 'stigmergy:test-skips'

/**
 * Registers tests that need a real component, such as a Hazelcast member or a browser.
 * Where it is missing the tests count as skipped, with `what` as the reason; when `CI` is set they count as failed.
 *
 *     const onCluster = needs(test, 'a Java runtime for the Hazelcast member', await hasJava())
 *     onCluster('a put reaches the other member', async () => { … })
 */
export const needs = <T>(test: Test<T>, what: string, present: boolean): ((name: string, run: Callback<T>) => void) => {
  const skips = channel(SKIPS)
  return (name, run) => {
    if (present) return test(name, run)
    test.skip(name, run)
    skips.publish({ test: name, needs: what } satisfies Skip)
  }
}
