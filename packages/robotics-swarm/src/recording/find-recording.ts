import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SwarmError } from '../errors.ts'
import { POSITION_FILE } from './recording.ts'

const NAME = 'siegen-demo-cell'

export interface FindRecordingOptions {
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Root of the repository: without STIGMERGY_DATA the recording is looked for in `../shared/data` beside it. */
  readonly root: string
}

/**
 * Folder of the recorded cell that tests replay: `STIGMERGY_DATA` (the data folder, or the recording itself), else the data folder
 * beside the repository, else undefined. Throws `SwarmError` BAD_OPTION if STIGMERGY_DATA is set but holds no recording:
 * a test that silently took another input would prove nothing.
 */
export async function findRecording({ env = process.env, root }: FindRecordingOptions): Promise<string | undefined> {
  const given = env['STIGMERGY_DATA']
  if (given) {
    for (const dir of [given, join(given, NAME)]) if (await isRecording(dir)) return resolve(dir)
    throw new SwarmError(
      'BAD_OPTION',
      `STIGMERGY_DATA is ${JSON.stringify(given)}, where there is no recording; set it to a folder with ${POSITION_FILE}.gz, or to one that holds ${NAME}/, or unset it`,
    )
  }
  const beside = resolve(root, '../shared/data', NAME)
  return (await isRecording(beside)) ? beside : undefined
}

async function isRecording(dir: string): Promise<boolean> {
  for (const file of [`${POSITION_FILE}.gz`, POSITION_FILE]) if (await stat(join(dir, file)).catch(() => undefined)) return true
  return false
}
