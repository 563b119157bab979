import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { SwarmError } from '../errors.ts'
import { formatCsvField } from './csv.ts'
import { EVENT_COLUMNS, EVENT_FILE, POSITION_COLUMNS, POSITION_FILE } from './recording.ts'
import type { RecordingRows } from './rows.ts'

/**
 * Writes a recording into a new folder: all of it or nothing (a folder beside is filled, then renamed).
 * Throws `SwarmError` BAD_OPTION if the folder is there already.
 */
export async function writeRecording(dir: string, rows: RecordingRows): Promise<void> {
  const target = resolve(dir)
  if (await stat(target).catch(() => undefined))
    throw new SwarmError('BAD_OPTION', `${dir} is there already; a recording is written into a new folder`)
  await mkdir(dirname(target), { recursive: true })
  const draft = await mkdtemp(`${target}.tmp-`)
  try {
    await writeTable(
      join(draft, POSITION_FILE),
      POSITION_COLUMNS,
      rows.positions.map((row) => [row.session, row.tMs, row.xM, row.yM, row.zM, 0]),
    )
    await writeTable(
      join(draft, EVENT_FILE),
      EVENT_COLUMNS,
      rows.events.map((row) => [row.session, row.tMs, row.source, row.tag, row.value, 0]),
    )
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

const gzipText = promisify(gzip) as (text: string) => Promise<Uint8Array>

async function writeTable(file: string, columns: readonly string[], rows: readonly (readonly (string | number)[])[]): Promise<void> {
  const lines = rows.map((row) => row.map((field) => formatCsvField(String(field))).join(','))
  await writeFile(`${file}.gz`, await gzipText(`${[columns.join(','), ...lines].join('\n')}\n`))
}
