/** Whether the name is of a directory bucket of S3 Express One Zone, which lists in no order and by folders alone. */
export function isDirectoryBucket (bucket: string): boolean { return bucket.endsWith('--x-s3') }
