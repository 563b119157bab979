/**
 * Solves a square system and gives its first unknown. Each row holds its right side last; the rows are used up.
 * Without pivoting: for rows whose diagonal is the largest of them, as those of `I - Q` with `Q` the steps between states that are left.
 */
export function solveFirst(rows: readonly Float64Array[]): number {
  const size = rows.length
  for (let at = size - 1; at > 0; at--) {
    const pivot = rows[at] as Float64Array
    for (let up = 0; up < at; up++) {
      const row = rows[up] as Float64Array
      const factor = (row[at] as number) / (pivot[at] as number)
      if (factor === 0) continue
      for (let column = 0; column <= at; column++) row[column] = (row[column] as number) - factor * (pivot[column] as number)
      row[size] = (row[size] as number) - factor * (pivot[size] as number)
    }
  }
  const first = rows[0] as Float64Array
  return (first[size] as number) / (first[0] as number)
}
