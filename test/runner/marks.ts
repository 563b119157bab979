import type { Counts } from './report.ts'

/** What a lane tells its run, in the middle of the text that its tests print. */
export type Mark =
  | { readonly says: 'counts'; readonly counts: Partial<Counts> }
  | { readonly says: 'failed'; readonly where: string; readonly what: string }
  /** The process ends, and has told why. */
  | { readonly says: 'end' }

// Two characters that no text has, and that JSON writes in another way.
const [OPEN, CLOSE] = ['\u001E', '\u001F']

/** The mark as it stands in the text. */
export const markText = (mark: Mark): string => `${OPEN}${JSON.stringify(mark)}${CLOSE}`

/** Takes marks and text apart again. */
export const readMarks = (marked: string): { readonly text: string; readonly marks: readonly Mark[] } => {
  const [first = '', ...others] = marked.split(OPEN)
  const marks: Mark[] = []
  const texts = others.map((part) => {
    const [mark = '', ...text] = part.split(CLOSE)
    if (text.length === 0) return `${OPEN}${part}`
    marks.push(JSON.parse(mark) as Mark)
    return text.join(CLOSE)
  })
  return { text: first + texts.join(''), marks }
}
