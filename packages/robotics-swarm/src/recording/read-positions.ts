import { createNumberColumn } from './columns.ts'
import { createFieldChecks } from './fields.ts'
import { readTable } from './read-table.ts'
import { POSITION_COLUMNS, type PositionColumns } from './recording.ts'

/** Reads the file of positions, all of it; keeps the rows of the sessions that are wanted. Sessions in order of appearance. */
export async function readPositions(
  file: string,
  wanted: (session: string) => boolean,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, PositionColumns>> {
  const sessions = new Map<string, Builder>()
  const checks = createFieldChecks(file)
  await readTable(file, {
    columns: POSITION_COLUMNS,
    signal,
    onRow([session, time, x, y, z, status], line) {
      const name = checks.session(session!, line)
      const tMs = checks.time(`session ${name}`, time!, line)
      const xM = checks.decimal('x_m', x!, line)
      const yM = checks.decimal('y_m', y!, line)
      const zM = checks.decimal('z_m', z!, line)
      const code = checks.status(status!, line)
      let builder = sessions.get(name)
      if (!builder) sessions.set(name, (builder = createBuilder(wanted(name))))
      builder.push(tMs, xM, yM, zM, code)
    },
  })
  return new Map([...sessions].map(([session, builder]) => [session, builder.build()]))
}

interface Builder {
  push(...row: readonly [tMs: number, xM: number, yM: number, zM: number, status: number]): void
  build(): PositionColumns
}

function createBuilder(keep: boolean): Builder {
  const columns = [createNumberColumn(), createNumberColumn(), createNumberColumn(), createNumberColumn(), createNumberColumn()] as const
  return {
    push(...row) {
      if (keep) for (let i = 0; i < 5; i++) columns[i]!.push(row[i]!)
    },
    build: () => {
      const [tMs, xM, yM, zM, status] = columns
      return {
        rows: tMs.length,
        tMs: tMs.toArray(),
        xM: xM.toArray(),
        yM: yM.toArray(),
        zM: zM.toArray(),
        status: status.toArray(),
      }
    },
  }
}
