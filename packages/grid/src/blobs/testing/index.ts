import type { BlobCase } from './blob-bench.ts'
import { contentCases } from './content-cases.ts'
import { tagCases } from './tag-cases.ts'

export type { BlobBench, BlobCase } from './blob-bench.ts'

/** The conformance suite of blobs, as data. */
export const blobCases: readonly BlobCase[] = [...contentCases, ...tagCases]
