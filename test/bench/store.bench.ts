import type { Bench, Row } from './bench.ts'
import { appends } from './store/appends.ts'
import { commits } from './store/commits.ts'
import { objects } from './store/objects.ts'
import { VALUE_BYTES } from './store/raw-lmdb.ts'

const ROWS: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  'commit-grouped': () => commits('grouped', 'process'),
  'commit-serial': () => commits('serial', 'process'),
  'commit-grouped-host': () => commits('grouped', 'host'),
  'commit-serial-host': () => commits('serial', 'host'),
  'journal-append': appends,
  's3-commit-serial': () => objects('serial'),
  's3-commit-grouped': () => objects('grouped'),
}

export const bench: Bench = {
  title: `Commits and appends of ${VALUE_BYTES} bytes, each row with the level it is acknowledged at`,
  rows: Object.keys(ROWS),
  async run(wanted) {
    const rows: Row[] = []
    for (const [name, measure] of Object.entries(ROWS)) if (wanted(name)) rows.push(...(await measure()))
    return rows
  },
}
