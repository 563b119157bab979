import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Writes ES modules into folders of their own, which go with the tests. */
export function modules(test: { after(hook: () => Promise<void>): void }): (source: string) => Promise<string> {
  const folders: string[] = []
  test.after(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })
  return async (source) => {
    const folder = await mkdtemp(join(tmpdir(), 'stigmergy-'))
    folders.push(folder)
    const path = join(folder, 'exporters.mjs')
    await writeFile(path, source)
    return path
  }
}
