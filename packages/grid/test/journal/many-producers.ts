import { openDurable } from '@stigmergy/grid/durable'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { startChild } from '../durable/kill-rounds.ts'

const APPEND = fileURLToPath(new URL('append-child.ts', import.meta.url))
const READ = fileURLToPath(new URL('read-child.ts', import.meta.url))
const LAG = 2000
const GROUP = 200

export interface ManyProducers {
  readonly path: string
  readonly producers: number
  readonly recordsEach: number
  /** How often the reader is killed and started again while it reads. */
  readonly readerKills: number
  readonly random: () => number
}

/** What was seen beside the checks. */
export interface Seen {
  readonly greatestLag: number
  /** How much more memory a producer had at its end than after its first tenth, at most. */
  readonly growthBytes: number
}

type Child = ReturnType<typeof startChild>

async function ended(child: Child): Promise<void> {
  const [code, signal] =
    child.exitCode === null && child.signalCode === null
      ? ((await once(child, 'exit')) as [number, string])
      : [child.exitCode, child.signalCode]
  assert.is(code, 0, `a child ended with ${code} ${signal}`)
}

/**
 * Processes append while the one reader that throttles them is killed and resumed. Then every record must have been done
 * exactly once, in the order of its producer.
 */
export async function manyProducers({ path, producers, recordsEach, readerKills, random }: ManyProducers): Promise<Seen> {
  const total = producers * recordsEach
  const file = join(path, 'done.txt')
  const durable = await openDurable({ path })
  const journal = durable.journal('audit')
  await (await journal.reader('r')).close()
  const memory: number[][] = []
  const children = Array.from({ length: producers }, (_, at) => {
    const child = startChild(APPEND, [path, `p${at}`, String(recordsEach), 'r', String(LAG), String(GROUP)])
    const mine: number[] = []
    memory.push(mine)
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) mine.push(Number(line.split(' ')[1]))
    })
    return child
  })
  const all = Promise.all(children.map(ended))
  let greatestLag = 0
  const look = setInterval(() => void journal.lag('r').then((lag) => (greatestLag = Math.max(greatestLag, lag))), 20)
  try {
    for (let kill = 0; kill < readerKills; kill++) {
      const reader = startChild(READ, [path, file, String(total)])
      await once(reader.stdout as NonNullable<typeof reader.stdout>, 'data')
      await wait(random() * 300)
      reader.kill('SIGKILL')
      if (reader.exitCode === null && reader.signalCode === null) await once(reader, 'exit')
    }
    await Promise.all([all, ended(startChild(READ, [path, file, String(total)]))])
  } finally {
    clearInterval(look)
    for (const child of children) child.kill('SIGKILL')
    await journal.close()
    await durable.close()
  }
  await check(file, producers, recordsEach)
  return { greatestLag, growthBytes: Math.max(...memory.map((mine) => (mine.at(-1) ?? 0) - (mine[Math.floor(mine.length / 10)] ?? 0))) }
}

async function check(file: string, producers: number, recordsEach: number): Promise<void> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  assert.is(lines.length, producers * recordsEach)
  const last = new Map<string, number>()
  for (const [at, line] of lines.entries()) {
    const [offset, producer = '', seq, ...value] = line.split(' ')
    const expected = (last.get(producer) ?? 0) + 1
    assert.is(`${offset} ${seq}`, `${at} ${expected}`, line)
    assert.is(value.join(' '), `${producer} ${seq} ${'x'.repeat(expected % 97)}`)
    last.set(producer, expected)
  }
}
