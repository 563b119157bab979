export { awsBucket } from './aws-bucket.ts'
export type { AwsS3Client } from './aws-bucket.ts'
export type {
  LargeObjectBucket,
  ListedObject,
  ObjectBucket,
  ObjectCallOptions,
  ObjectGetOptions,
  ObjectListOptions,
  ObjectPage,
  ObjectPutOptions,
  ObjectUpload,
  StoredObject,
} from './bucket.ts'
export { connectBucket } from './connect-bucket.ts'
export type { ConnectBucketOptions } from './connect-bucket.ts'
export { s3miniBucket } from './s3mini-bucket.ts'
export type { S3miniClient } from './s3mini-bucket.ts'
export { openS3Blobs } from './open-s3-blobs.ts'
export type { S3BlobsOptions } from './open-s3-blobs.ts'
export { openS3 } from './open-s3.ts'
export type { S3Durable } from './open-s3.ts'
export { openS3Reader } from './s3-reader.ts'
export type { S3Reader } from './s3-reader.ts'
export type { S3Options } from './options.ts'
