import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { SwarmError } from '../errors.ts'

/** A file that gets its name when it is whole; until then it is a draft beside. */
export interface LogFile {
  /** Throws what the file system says, as `SwarmError` BAD_OPTION. */
  write(text: string): void
  /** Gives it its name, in the place of the file that had it. */
  finish(): void
  /** Leaves no draft. Does nothing after `finish`. */
  discard(): void
}

/**
 * Opens a draft of the file. Nothing but a regular file is ever replaced: a folder, a pipe, a device and a link to nothing are refused
 * here, before there is anything to lose; a link to a file stays, its file is replaced. The draft is gone when the process exits.
 * Throws `SwarmError` BAD_OPTION that quotes the path.
 */
export function openLogFile(file: string): LogFile {
  const attempt = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw error instanceof SwarmError ? error : refused(file, `cannot be written (${(error as NodeJS.ErrnoException).code})`, error)
    }
  }
  const target = attempt(() => findTarget(file))
  const { handle, draft } = attempt(() => openDraft(target.path))
  let state: 'open' | 'closed' | 'over' = 'open'
  const close = (): void => {
    if (state === 'open') closeSync(handle)
    if (state === 'open') state = 'closed'
  }
  const discard = (): void => {
    if (state === 'over') return
    close()
    state = 'over'
    process.off('exit', discard)
    rmSync(draft, { force: true })
  }
  // A process that is told to exit at once runs no `finally`.
  process.on('exit', discard)
  return {
    write(text) {
      for (let bytes = Buffer.from(text); bytes.length > 0;) bytes = bytes.subarray(attempt(() => writeSync(handle, bytes)))
    },
    finish() {
      attempt(() => {
        // A private file stays private.
        if (target.mode !== undefined) fchmodSync(handle, target.mode)
        fsyncSync(handle)
        close()
        // Somebody may have put something else there meanwhile.
        if (findTarget(file).path !== target.path) throw refused(file, 'leads elsewhere than when the replay began')
        renameSync(draft, target.path)
      })
      state = 'over'
      process.off('exit', discard)
    },
    discard,
  }
}

function refused(file: string, why: string, cause?: unknown): SwarmError {
  return new SwarmError(
    'BAD_OPTION',
    `log ${JSON.stringify(file)} ${why}; give a new name in a folder that is there, or a file to replace`,
    { cause },
  )
}

/** Where the file really is, all links followed. Its mode, if it is there. */
function findTarget(file: string): { readonly path: string; readonly mode: number | undefined } {
  if (file === '' || /[/\\]$/.test(file)) throw refused(file, 'names no file')
  const there = lstatSync(file, { throwIfNoEntry: false })
  if (!there) return { path: join(realpathSync(dirname(resolve(file))), basename(file)), mode: undefined }
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found) throw refused(file, 'is a link to nothing')
  if (found.isDirectory()) throw refused(file, 'is a folder')
  if (!found.isFile()) throw refused(file, 'is no regular file')
  accessSync(file, constants.W_OK)
  return { path: realpathSync(file), mode: found.mode & 0o777 }
}

/** A file that was not there before: what has the name of a draft already is not ours. */
function openDraft(path: string): { readonly handle: number; readonly draft: string } {
  for (let attempt = 0; ; attempt++) {
    const draft = `${path}.tmp-${process.pid}${attempt === 0 ? '' : `-${attempt}`}`
    try {
      return { handle: openSync(draft, 'wx'), draft }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}
