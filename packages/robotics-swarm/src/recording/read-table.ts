import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { SwarmError } from '../errors.ts'
import { parseCsvLine } from './csv.ts'
import { createLineDecoder } from './line-decoder.ts'
import { quote } from './numbers.ts'

export interface TableOptions {
  /** The columns that are wanted, by the names in the header; the file may have more, in any order. */
  readonly columns: readonly string[]
  /** One row: the wanted fields in the order of `columns`. The array is reused for the next row. */
  readonly onRow: (fields: readonly string[], line: number) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Streams a CSV file (`.gz`: gzipped), row by row, lines counted from 1. A byte order mark, CRLF and blank lines at the end are taken.
 * Throws `SwarmError` BAD_RECORDING with `file:line` for anything else that is no such table.
 */
export async function readTable(file: string, options: TableOptions): Promise<void> {
  const reader = createRowReader(file, options)
  const decoder = createLineDecoder(file, reader.take)
  const source = createReadStream(file)
  const gunzip = file.endsWith('.gz') ? createGunzip() : undefined
  if (gunzip) source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip)
  try {
    for await (const chunk of gunzip ?? source) {
      if (options.signal?.aborted)
        throw new SwarmError('ABORTED', 'interrupted while reading the recording', { cause: options.signal.reason })
      decoder.bytes(chunk as Uint8Array)
    }
    decoder.end()
    reader.end()
  } catch (error) {
    throw explain(error, file, reader.line)
  } finally {
    source.destroy()
  }
}

interface RowReader {
  /** Complete lines read so far. */
  readonly line: number
  take(line: string): void
  end(): void
}

function createRowReader(file: string, { columns, onRow }: TableOptions): RowReader {
  const fields: string[] = columns.map(() => '')
  let places: readonly number[] | undefined
  let width = 0
  let line = 0
  let blankLine = 0

  const bad = (text: string): SwarmError => new SwarmError('BAD_RECORDING', `${file}:${line}: ${text}`)
  const take = (text: string): void => {
    line++
    if (text.endsWith('\r')) text = text.slice(0, -1)
    if (text === '') {
      blankLine ||= line
      return
    }
    if (blankLine > 0) {
      line = blankLine
      throw bad('empty line; only the end of the file may have one')
    }
    const found = parseCsvLine(text)
    if (!found) throw bad('a quote is not closed, or stands in the middle of a field')
    if (!places) {
      places = columns.map((column) => {
        const place = found.indexOf(column)
        if (place < 0) throw bad(`column ${quote(column)} is missing; the header is ${quote(text)} and must name ${columns.join(', ')}`)
        if (found.includes(column, place + 1)) throw bad(`column ${quote(column)} stands twice in the header`)
        return place
      })
      width = found.length
      return
    }
    if (found.length !== width) throw bad(`${found.length} fields, but the header has ${width}`)
    for (let i = 0; i < fields.length; i++) fields[i] = found[places[i]!]!
    onRow(fields, line)
  }
  return {
    get line() {
      return line
    },
    take,
    end() {
      if (!places) throw new SwarmError('BAD_RECORDING', `${file}: the file is empty; its first line must name ${columns.join(', ')}`)
    },
  }
}

/** Errors of gunzip (`Z_…`) and of the file system carry a code; everything else has been said already. */
function explain(error: unknown, file: string, line: number): unknown {
  if (!(error instanceof Error) || error instanceof SwarmError || !('code' in error)) return error
  const what = String(error.code).startsWith('Z_')
    ? `truncated or broken gzip after line ${line} (${error.message}); copy the file again`
    : `cannot be read (${String(error.code)})`
  return new SwarmError('BAD_RECORDING', `${file}: ${what}`, { cause: error })
}
