import { SwarmError } from '../errors.ts'
import { quote } from './numbers.ts'

// A line of a recording has some 80 bytes. The bound keeps a file that is no text from filling the memory (I6).
const LONGEST_LINE = 65_536
const LINE_FEED = 0x0a

/** Makes lines of bytes. */
export interface LineDecoder {
  bytes(chunk: Uint8Array): void
  /** The last line may lack its line feed. */
  end(): void
}

/**
 * Tells each line without its line feed, the first one without a byte order mark. Throws `SwarmError` BAD_RECORDING with `file:line`
 * for bytes that are no UTF-8: decoded as good as may be, two names of sessions could become one.
 */
export function createLineDecoder(file: string, onLine: (line: string) => void): LineDecoder {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest: Uint8Array = new Uint8Array()
  let line = 0

  const bad = (text: string): SwarmError => new SwarmError('BAD_RECORDING', `${file}:${line}: ${text}`)
  const take = (text: string): void => onLine(++line === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text)
  const takeBytes = (bytes: Uint8Array): void => {
    let text: string
    try {
      text = strict.decode(bytes)
    } catch {
      line++
      throw bad(`${quote(new TextDecoder().decode(bytes))} is not UTF-8; save the file as UTF-8`)
    }
    take(text)
  }
  // A line feed is no part of any longer character, so the bytes can be cut there.
  const takeLines = (bytes: Uint8Array): void => {
    let text: string
    try {
      text = strict.decode(bytes)
    } catch {
      // One by one, for the number of the line that is wrong, after what is to be said of the lines before it.
      let from = 0
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
        takeBytes(bytes.subarray(from, end))
        from = end + 1
      }
      return
    }
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      take(text.slice(from, end))
      from = end + 1
    }
  }
  return {
    bytes(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const end = bytes.lastIndexOf(LINE_FEED) + 1
      if (end > 0) takeLines(bytes.subarray(0, end))
      rest = bytes.subarray(end)
      if (rest.length > LONGEST_LINE) {
        line++
        throw bad(`a line longer than ${LONGEST_LINE} bytes: this is no CSV file`)
      }
    },
    end() {
      if (rest.length > 0) takeBytes(rest)
    },
  }
}
