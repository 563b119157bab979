import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as assert from 'uvu/assert'
import type { Login } from '../s3/server.ts'
import { newPlace } from '../durable/places.ts'

const CHILD = fileURLToPath(new URL('stream-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** Streams a blob of so many megabytes in and out in a process of its own, on disk or on S3. Returns how many bytes its memory grew by, at most. */
export async function streamBlobs(megabytes: number, login?: Login): Promise<number> {
  const place = await newPlace()
  try {
    const args = [
      '--conditions=@stigmergy/source',
      '--import',
      'tsx',
      CHILD,
      place.path,
      String(megabytes),
      ...(login === undefined ? [] : [JSON.stringify(login)]),
    ]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 110_000 })
    const [done, grown] = stdout.trim().split(' ')
    assert.is(done, 'true')
    return Number(grown)
  } finally {
    await place.done()
  }
}
