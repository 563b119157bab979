// Stricter than Number(): that takes '' for 0 and '0x1f' or 'Infinity' for numbers.
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const HEX = /^0[xX][0-9a-fA-F]+$/

/** A decimal number, or undefined if the text is none (or has no finite value). */
export function parseDecimal(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** An OPC UA status code: an unsigned 32-bit integer, decimal or `0x…` (OPC UA Part 4, 7.39). Undefined if it is none. */
export function parseStatus(text: string): number | undefined {
  if (!DECIMAL.test(text) && !HEX.test(text)) return undefined
  const value = Number(text)
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff ? value : undefined
}

/** A value from a file as an error message shows it: quoted, on one line, cut if long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
