import { open, readFile } from 'node:fs/promises'

/** More than a view of the largest cluster takes. */
const KEPT = 4096

/** What a member has said so far. */
export interface MemberState {
  /** It serves clients. */
  readonly started: boolean
  /** Addresses in its newest view of the cluster. */
  readonly sees: readonly string[]
  /** Its CP subsystem has formed. */
  readonly cp: boolean
  readonly portTaken: boolean
}

/** Reads what a member's log says, from where it left off. */
export class MemberLog {
  readonly path: string
  #text = ''
  #read = 0
  #state: MemberState = { started: false, sees: [], cp: false, portTaken: false }

  constructor(path: string) {
    this.path = path
  }

  async state(): Promise<MemberState> {
    const file = await open(this.path)
    try {
      const { size } = await file.stat()
      const buffer = Buffer.alloc(size - this.#read)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#read)
      this.#read += bytesRead
      this.#text += buffer.toString('latin1', 0, bytesRead)
    } finally {
      await file.close()
    }
    this.#state = readLog(this.#text, this.#state)
    // A view takes several lines: what may be the start of one is looked at again.
    this.#text = this.#text.slice(-KEPT)
    return this.#state
  }

  /** The last lines, for an error message. */
  async end(lines = 25): Promise<string> {
    const text = await readFile(this.path, 'utf8')
    return `its log:\n${text.trimEnd().split('\n').slice(-lines).join('\n')}`
  }
}

/** What more of a log adds to what was known. */
export function readLog(text: string, before: MemberState): MemberState {
  const view = [...text.matchAll(/Members \{size:\d+, ver:\d+\} \[([^}]*?)\n\]/g)].at(-1)?.[1]
  const sees =
    view === undefined ? before.sees : Array.from(view.matchAll(/Member \[([^\]]+)\]:(\d+)/g), ([, host, port]) => `${host}:${port}`)
  return {
    started: before.started || text.includes(' is STARTED'),
    sees,
    cp: before.cp || /CP Subsystem is initialized|Metadata Raft group is initialized/i.test(text),
    portTaken: before.portTaken || /BindException|is already in use and auto-increment is disabled/.test(text),
  }
}
