// Keys of objects. Ids go in as hexadecimal: it keeps their order of bytes, and no server has an opinion on its characters.
// A gateway over a file system allows 255 bytes between slashes, so long ones are cut; `~` and `.` keep what is cut in order,
// and keep a file and a folder from having the same name.
const CUT = 200
const END = '.row'

/** `folder` ends with a slash. */
export function keyOf(folder: string, id: string): string {
  return folder + cut(Buffer.from(id).toString('hex')) + END
}

/** What the keys of all ids with this prefix begin with. */
export function prefixOf(folder: string, idPrefix: string): string {
  return folder + cut(Buffer.from(idPrefix).toString('hex'))
}

/** The id, or undefined: what else stands there is none of ours, such as a file a gateway has left behind. */
export function idOf(folder: string, key: string): string | undefined {
  if (!key.startsWith(folder) || !key.endsWith(END)) return undefined
  const hex = key.slice(folder.length, -END.length).replaceAll('~/', '')
  return /^(?:[0-9a-f]{2})+$/.test(hex) ? Buffer.from(hex, 'hex').toString() : undefined
}

function cut(hex: string): string {
  const parts: string[] = []
  let at = 0
  for (; hex.length - at > CUT; at += CUT) parts.push(`${hex.slice(at, at + CUT)}~/`)
  return parts.join('') + hex.slice(at)
}
