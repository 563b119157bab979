import { setMaxListeners } from 'node:events'

/** The end of something that any number of calls may wait for: Node takes more than ten listeners of one signal for a leak. */
export function createClosing(): AbortController {
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  return closing
}
