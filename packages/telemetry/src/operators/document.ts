/** A document that is written as YAML or JSON. */
export type Document = Readonly<Record<string, unknown>>
