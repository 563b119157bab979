// Run by core.bench.ts, on what is built, with the rows that are wanted: prints them as JSON, and on the error channel how long effects waited.
import type { Row } from '../bench.ts'
import { compare } from '../compare.ts'
import { groups } from './rows.ts'
import { standing } from './standing.ts'
import { waitOfEffects } from './tell.ts'

const wanted = new Set(process.argv.slice(2))
const rows: Row[] = []
const ended = await standing()
for (const { contenders, pairs, unit } of groups) {
  const some = pairs.filter(({ subject }) => wanted.has(subject))
  const names = new Set(some.flatMap(({ ours, peer }) => [ours, peer]))
  if (some.length > 0)
    rows.push(
      ...(await compare(
        contenders.filter(({ name }) => names.has(name)),
        some,
        { rounds: 9, unit },
      )),
    )
}
await ended()
if (wanted.has('tell-gated')) console.error(waitOfEffects())
console.log(JSON.stringify(rows))
