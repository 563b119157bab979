/** What was thrown, or given, as text. It may be anything, also something that has no text. */
export function describeThrown(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'something without a text'
  }
}
