/**
 * The fields of one line after RFC 4180: a field may be quoted, and a quote inside it is doubled.
 * Undefined if a quote is left open or stands where it may not. A quoted line break is not taken: a recording needs none.
 */
export function parseCsvLine(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',')
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (line[at] === '"') {
      let field = ''
      for (;;) {
        const end = line.indexOf('"', at + 1)
        if (end < 0) return undefined
        field += line.slice(at + 1, end)
        at = end + 1
        if (line[at] !== '"') break
        field += '"'
      }
      fields.push(field)
      if (at === line.length) return fields
      if (line[at] !== ',') return undefined
    } else {
      const comma = line.indexOf(',', at)
      const field = comma < 0 ? line.slice(at) : line.slice(at, comma)
      if (field.includes('"')) return undefined
      fields.push(field)
      if (comma < 0) return fields
      at = comma
    }
    at++
  }
}

/** One field as RFC 4180 writes it. */
export function formatCsvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
