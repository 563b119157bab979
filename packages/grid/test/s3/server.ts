import { awsBucket, connectBucket, type LargeObjectBucket } from '@stigmergy/grid/s3'
import { S3 } from '@aws-sdk/client-s3'
import type { Versitygw } from '../../../../test/components/versitygw.ts'

/** What differs between the clients a bucket may stand on. */
export interface Login {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export function loginOf({ endpoint, bucket, region, accessKeyId, secretAccessKey }: Versitygw): Login {
  return { endpoint, bucket, region, accessKeyId, secretAccessKey }
}

/** Opens the bucket with each client there is. Sockets are given back by `done`. */
export const clients: Readonly<Record<string, (login: Login) => Promise<{ readonly bucket: LargeObjectBucket; done(): void }>>> = {
  s3mini: async (login) => ({ bucket: await connectBucket(login), done: () => undefined }),
  '@aws-sdk/client-s3': async ({ endpoint, bucket, region, accessKeyId, secretAccessKey }) => {
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 })
    return { bucket: awsBucket(client, bucket), done: () => client.destroy() }
  },
}
