import { readdir, stat } from 'node:fs/promises'
import { join, posix, relative, resolve, sep } from 'node:path'

/** The files of a run, in order, and the filters that fit none. Paths are relative to the root, with `/`. */
export interface Found {
  readonly files: readonly string[]
  readonly unmatched: readonly string[]
}

// Not tests of this run: measurements, the long runs, and the faulty files that test the runner itself.
const APART = ['test/bench/', 'test/long/', 'test/runner/planted/']

const isTest = (path: string): boolean =>
  path.endsWith('.test.ts') && /^(packages\/[^/]+\/test|test)\//.test(path) && !APART.some((folder) => path.startsWith(folder))

const isLong = (path: string): boolean => path.startsWith('test/long/') && path.endsWith('.long.ts')

/** All files below a folder. What is installed there is passed by: walking it would take longer than a quick test. */
const under = async (root: string, folder: string): Promise<readonly string[]> => {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const found = entries.map(async (entry) => {
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : under(root, path)
    return entry.isFile() ? [path] : []
  })
  return (await Promise.all(found)).flat()
}

const isFile = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

/** Finds the tests (or the long runs) below `root`. A filter that names a file picks that file, wherever it stands. */
export const discover = async (root: string, filters: readonly string[], long: boolean): Promise<Found> => {
  const packages = await readdir(join(root, 'packages')).catch(() => [])
  const folders = long ? ['test/long'] : ['test', ...packages.map((name) => `packages/${name}/test`)]
  const listed = (await Promise.all(folders.map((folder) => under(root, folder)))).flat().filter(long ? isLong : isTest)
  const all = [...new Set(listed)].toSorted()
  if (filters.length === 0) return { files: all, unmatched: [] }

  const picked = new Set<string>()
  const unmatched: string[] = []
  for (const filter of filters) {
    const path = relative(root, resolve(root, filter)).split(sep).join('/')
    const hits = (await isFile(join(root, path))) ? [path] : all.filter((file) => file.includes(path))
    if (hits.length === 0) unmatched.push(filter)
    for (const hit of hits) picked.add(hit)
  }
  return { files: [...picked].toSorted(), unmatched }
}
