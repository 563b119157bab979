/** `: did you mean --limit?` where a known name is at most two edits away. */
export function suggestion(name: string, known: readonly string[], dashes = ''): string {
  const nearest = known.map((each) => ({ each, edits: distance(name, each) })).toSorted((a, b) => a.edits - b.edits)[0]
  return nearest !== undefined && nearest.edits <= 2 ? `: did you mean ${dashes}${nearest.each}?` : ''
}

// Levenshtein, one row at a time.
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}
