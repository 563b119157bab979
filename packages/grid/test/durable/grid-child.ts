// One process of a shared grid. Writes to the map `parts` without end, and tells each acknowledged version on standard output:
// `put`: new values of four keys of its own, each with its own number; `count`: adds one to a shared counter.
import { embedded, openGrid } from '@stigmergy/grid'
import { tell } from './tell.ts'

// Whoever starts it ahead of time ends its input when it is to begin.
for await (const go of process.stdin) void go
const [path = '', id = '', work = 'put', keys = '4'] = process.argv.slice(2)
const grid = await openGrid(embedded({ path }), { id })
const map = grid.map<{ readonly n: number; readonly pad: string }>('parts')
tell('open')

/** A value that shows when it is torn: the padding says the number again, at a length that depends on it. */
const value = (n: number): { readonly n: number; readonly pad: string } => ({ n, pad: `${n} `.repeat(1 + ((n * 37) % 200)) })

async function putter(key: string): Promise<void> {
  for (let n = (await map.get(key, { consistency: 'strong' }))?.value.n ?? 0; ;) {
    n += 1
    const entry = await map.put(key, value(n))
    tell(`${key} ${n} ${entry.version}`)
  }
}

async function counter(): Promise<void> {
  for (;;) {
    const entry = await map.update('count', (now) => value((now?.n ?? 0) + 1))
    tell(`count ${entry?.value.n} ${entry?.version}`)
  }
}

if (work === 'count') await counter()
else await Promise.all(Array.from({ length: Number(keys) }, (_, at) => putter(`${id}-${at}`)))
