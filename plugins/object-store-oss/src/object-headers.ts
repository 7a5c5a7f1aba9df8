import type { OssOptions } from './options.ts'

/** Object metadata: the writer's token, and the CRC-32C of the whole as eight hex digits. */
export const ownerHeader = 'x-oss-meta-streambedowner'
export const crcHeader = 'x-oss-meta-streambedcrc32c'

/** How new objects are kept. */
export function storageHeaders ({ encryptionKeyId, storageClass }: OssOptions): Readonly<Record<string, string>> {
  return {
    ...storageClass === undefined ? {} : { 'x-oss-storage-class': storageClass },
    ...encryptionKeyId === undefined ? {} : { 'x-oss-server-side-encryption': 'KMS', 'x-oss-server-side-encryption-key-id': encryptionKeyId }
  }
}

export function tokenOf (etag: string | undefined): string { return (etag ?? '').replaceAll('"', '') }
