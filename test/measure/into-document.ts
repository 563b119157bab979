import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const END = '<!-- end of what was measured -->'

/** Puts `text` into a page of docs/, in the place of what `command` wrote there before. The page must hold that place. */
export async function intoDocument(page: string, command: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(`../../docs/${page}`, import.meta.url))
  const begin = `<!-- measured by \`${command}\` -->`
  const whole = await readFile(path, 'utf8')
  const from = whole.indexOf(begin)
  const to = whole.indexOf(END, from)
  if (from < 0 || to < 0) throw new Error(`docs/${page} has no place for what ${command} measures: ${begin} and ${END}`)
  await writeFile(path, `${whole.slice(0, from + begin.length)}\n\n${text}\n\n${whole.slice(to)}`)
}
