// versitygw: an S3 server over a directory, Apache-2.0. It is the real object store of the tests.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, freePort, listens, runProgram, startProcess, type RunningProcess } from './process.ts'

const VERSION = '1.8.0'
const BUILD_MS = 600_000

export interface Versitygw extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without the bucket. */
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The directory the objects are in: a bucket is a folder, an object is a file. */
  readonly root: string
  /** The server that runs now. */
  readonly process: RunningProcess
  /** Starts it again on the same port and directory, after it was killed. */
  restart(): Promise<void>
  /** Stops the server and removes its directory. */
  stop(): Promise<void>
}

/** The program, built on first use: more than a minute then. Undefined where there is no Go to build it with. */
export async function findVersitygw(): Promise<string | undefined> {
  const folder = cacheFolder(`versitygw-${VERSION}`)
  const program = join(folder, 'versitygw')
  if (existsSync(program)) return program
  const go = ['/usr/local/go/bin', ...(process.env['PATH'] ?? '').split(':')]
    .map((path) => join(path, 'go'))
    .find((path) => existsSync(path))
  if (go === undefined) return undefined
  // Built beside and renamed: whoever else builds it at the same time finds it whole or not at all.
  await mkdir(folder, { recursive: true })
  const beside = await mkdtemp(join(folder, 'build-'))
  try {
    await runProgram(go, ['install', `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`], { ...process.env, GOBIN: beside }, BUILD_MS)
    await rename(join(beside, 'versitygw'), program)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  return program
}

/** A server with one empty bucket. `program` comes from {@link findVersitygw}. */
export async function startVersitygw(program: string, bucket = 'cell'): Promise<Versitygw> {
  const root = await mkdtemp(join(tmpdir(), 'stigmergy-s3-'))
  await mkdir(join(root, 'data', bucket), { recursive: true })
  const port = await freePort()
  const account = { accessKeyId: 'tester', secretAccessKey: 'tester-secret', region: 'us-east-1' }
  const start = (): Promise<RunningProcess> =>
    startProcess({
      name: 'versitygw',
      command: program,
      args: [
        ...['--port', `127.0.0.1:${port}`, '--region', account.region],
        ...['--access', account.accessKeyId, '--secret', account.secretAccessKey],
        // Tags in extended attributes. Kept beside the files instead, a kill could leave one with the tag of another write.
        ...['posix', join(root, 'data')],
      ],
      ready: () => listens(port),
    })
  let running = await start()
  const server: Versitygw = {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    ...account,
    root: join(root, 'data'),
    get process() {
      return running
    },
    async restart() {
      running = await start()
    },
    async stop() {
      await running.stop()
      await rm(root, { recursive: true, force: true })
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
  return server
}
