import { buildSync } from 'esbuild'
import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomUUID } from 'node:crypto'

/** From here a file finds the packages that this one uses. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/stigmergy-test', import.meta.url))

/** A program of this tree as one file. */
export interface ChildCode {
  readonly file: string
  remove(): void
}

/** The sources of a program as one file: it begins in a quarter of the time, so that many more of it can be killed. */
export function bundleChild(program: string): ChildCode {
  const file = join(CACHE, `${basename(program, '.ts')}-${randomUUID()}.mjs`)
  buildSync({
    entryPoints: [program],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@stigmergy/source', 'import'],
    external: ['lmdb', 'msgpackr', 'semver', 'hazelcast-client', 's3mini', '@aws-sdk/*'],
    logLevel: 'error',
  })
  return { file, remove: () => rmSync(file, { force: true }) }
}
