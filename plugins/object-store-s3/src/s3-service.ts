import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand,
  ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand, UploadPartCommand, type S3Client
} from '@aws-sdk/client-s3'
import type { ByteRange, Environment, Finding, ObjectInfo, ObjectPage } from '@streambed/sdk'
import { contiguous, sortedPage } from '@streambed/sdk/remote'
import type {
  MultipartService, ObjectService, ServiceBody, ServiceDeleteOutcome, ServiceFailure, ServiceObject, ServicePut, ServiceUpload
} from '@streambed/sdk/remote'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { openClient } from './client.ts'
import { failureOf } from './errors.ts'
import type { S3Options } from './options.ts'
import { preflight } from './preflight.ts'

/** Names of user metadata: the writer's token, and the CRC-32C of the whole as eight hex digits. */
const ownerField = 'streambedowner'
const crcField = 'streambedcrc32c'

/** Requests to S3 and its kin. */
export class S3Service implements ObjectService {
  readonly deleteNamesMax = 1000
  readonly multipart: MultipartService
  readonly #client: S3Client
  readonly #options: S3Options
  readonly #environment: Environment

  constructor (options: S3Options, environment: Environment) {
    this.#options = options
    this.#environment = environment
    this.#client = openClient(options)
    this.multipart = new S3Multipart(this.#client, options)
  }

  async put ({ crc32c, ifAbsent, name, owner, pieces, size, signal }: ServicePut): Promise<{ readonly versionToken: string }> {
    const { ETag } = await this.#client.send(new PutObjectCommand({
      Bucket: this.#options.bucket,
      Key: name,
      Body: contiguous(pieces),
      ContentLength: size,
      Metadata: { [ownerField]: owner, [crcField]: hexOf(crc32c) },
      ...this.#options.checksum === 'none' ? {} : { ChecksumCRC32C: base64Of(crc32c) },
      ...ifAbsent ? { IfNoneMatch: '*' } : {},
      ...storageOf(this.#options)
    }), { abortSignal: signal })
    return { versionToken: tokenOf(ETag) }
  }

  async get (name: string, range: ByteRange | undefined, signal: AbortSignal): Promise<ServiceBody> {
    const { $metadata, Body, ContentLength, Metadata } = await this.#client.send(new GetObjectCommand({
      Bucket: this.#options.bucket, Key: name, ...range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }
    }), { abortSignal: signal })
    const bytes = await readAll(Body as Readable, ContentLength)
    const crc = Metadata?.[crcField]
    // A service may answer a range with the whole object and status 200 (RFC 9110, 14.2).
    const isWhole = range !== undefined && $metadata.httpStatusCode === 200
    return { bytes: isWhole ? bytes.slice(range.start, range.end) : bytes, crc32c: crc === undefined ? undefined : Number.parseInt(crc, 16) }
  }

  async head (name: string, signal: AbortSignal): Promise<ServiceObject> {
    const { ContentLength, ETag, LastModified, Metadata } = await this.#client.send(new HeadObjectCommand({ Bucket: this.#options.bucket, Key: name }), { abortSignal: signal })
    return { size: ContentLength ?? 0, versionToken: tokenOf(ETag), modifiedMs: msOf(LastModified), owner: Metadata?.[ownerField] }
  }

  async list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ObjectPage> {
    if (isDirectoryBucket(this.#options.bucket)) return await sortedPage(this.#listings(prefix, signal), prefix, startAfter, limit)
    const { Contents = [], IsTruncated = false } = await this.#client.send(new ListObjectsV2Command({
      Bucket: this.#options.bucket, Prefix: prefix, MaxKeys: limit, ...startAfter === undefined ? {} : { StartAfter: startAfter }
    }), { abortSignal: signal })
    return { objects: Contents.map(infoOf), isLast: !IsTruncated }
  }

  async delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]> {
    const { Errors = [] } = await this.#client.send(new DeleteObjectsCommand({
      Bucket: this.#options.bucket, Delete: { Objects: names.map(Key => ({ Key })), Quiet: true }
    }), { abortSignal: signal })
    const failures = new Map(Errors.map(error => [error.Key, failureOf({ Code: error.Code, message: error.Message })]))
    return names.map(name => {
      const failure = failures.get(name)
      return failure === undefined || failure.code === 'NOT_FOUND' ? { kind: 'deleted' } : { kind: 'failed', failure }
    })
  }

  async preflight (prefix: string, signal: AbortSignal): Promise<readonly Finding[]> {
    return await preflight(this.#client, this.#options.bucket, prefix, this.#environment.clock, signal)
  }

  failureOf (error: unknown): ServiceFailure { return failureOf(error) }
  close (): void { this.#client.destroy() }

  /** Directory buckets list in no order, and only by prefixes that end with a `/`. Counts the requests after the first. */
  async * #listings (prefix: string, signal: AbortSignal): AsyncGenerator<readonly ObjectInfo[]> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    let token: string | undefined
    do {
      const page = await this.#client.send(new ListObjectsV2Command({
        Bucket: this.#options.bucket, ...folder === '' ? {} : { Prefix: folder }, ...token === undefined ? {} : { ContinuationToken: token }
      }), { abortSignal: signal })
      yield (page.Contents ?? []).map(infoOf)
      token = page.NextContinuationToken
      if (token !== undefined) this.#environment.metrics.count('object_store_list_requests')
    } while (token !== undefined)
  }
}

class S3Multipart implements MultipartService {
  readonly #client: S3Client
  readonly #options: S3Options

  constructor (client: S3Client, options: S3Options) {
    this.#client = client
    this.#options = options
  }

  async start (name: string, { owner, signal }: { readonly owner: string, readonly signal: AbortSignal }): Promise<string> {
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand({
      Bucket: this.#options.bucket, Key: name, Metadata: { [ownerField]: owner }, ...storageOf(this.#options)
    }), { abortSignal: signal })
    return UploadId!
  }

  async uploadPart ({ name, uploadId }: ServiceUpload, part: { readonly number: number, readonly pieces: readonly Uint8Array[], readonly size: number, readonly signal: AbortSignal }): Promise<string> {
    const body = contiguous(part.pieces)
    // MD5, since a CRC-32C of a part is taken only where the upload began with one; every service checks this.
    const { ETag } = await this.#client.send(new UploadPartCommand({
      Bucket: this.#options.bucket, Key: name, UploadId: uploadId, PartNumber: part.number, Body: body, ContentLength: part.size,
      ContentMD5: createHash('md5').update(body).digest('base64')
    }), { abortSignal: part.signal })
    return ETag!
  }

  async complete ({ name, uploadId }: ServiceUpload, parts: readonly { readonly number: number, readonly token: string }[], { ifAbsent, signal }: { readonly ifAbsent: boolean, readonly signal: AbortSignal }): Promise<string | undefined> {
    const { ETag } = await this.#client.send(new CompleteMultipartUploadCommand({
      Bucket: this.#options.bucket, Key: name, UploadId: uploadId,
      MultipartUpload: { Parts: parts.map(({ number, token }) => ({ PartNumber: number, ETag: token })) },
      ...ifAbsent ? { IfNoneMatch: '*' } : {}
    }), { abortSignal: signal })
    // Ceph completes without telling the ETag.
    return ETag === undefined || ETag === '' ? undefined : tokenOf(ETag)
  }

  async abort ({ name, uploadId }: ServiceUpload, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#options.bucket, Key: name, UploadId: uploadId }), { abortSignal: signal })
    } catch (error) {
      if (failureOf(error).code !== 'NOT_FOUND') throw error
    }
  }

  async * list (prefix: string, signal: AbortSignal): AsyncGenerator<ServiceUpload & { readonly startedMs: number }> {
    let marker: { readonly KeyMarker: string, readonly UploadIdMarker: string } | undefined
    do {
      const page = await this.#client.send(new ListMultipartUploadsCommand({ Bucket: this.#options.bucket, Prefix: prefix, ...marker }), { abortSignal: signal })
      for (const { Initiated, Key, UploadId } of page.Uploads ?? []) yield { name: Key!, uploadId: UploadId!, startedMs: Initiated?.getTime() ?? 0 }
      marker = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker!, UploadIdMarker: page.NextUploadIdMarker! } : undefined
    } while (marker !== undefined)
  }
}

export function isDirectoryBucket (bucket: string): boolean { return bucket.endsWith('--x-s3') }

async function readAll (body: Readable, size: number | undefined): Promise<Uint8Array> {
  if (size === undefined) return Buffer.concat(await body.toArray() as Buffer[])
  const bytes = new Uint8Array(size)
  let at = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (at + chunk.length > size) throw new Error(`the answer is longer than it said. size=${size}`)
    bytes.set(chunk, at)
    at += chunk.length
  }
  if (at < size) throw new Error(`the answer broke off. size=${size} got=${at}`)
  return bytes
}

function infoOf ({ ETag, Key, LastModified, Size }: { readonly Key?: string | undefined, readonly Size?: number | undefined, readonly ETag?: string | undefined, readonly LastModified?: Date | undefined }): ObjectInfo {
  return { key: Key!, size: Size ?? 0, versionToken: tokenOf(ETag), modifiedMs: msOf(LastModified) }
}

function storageOf ({ encryptionKeyId, storageClass }: S3Options): { StorageClass?: 'STANDARD', ServerSideEncryption?: 'aws:kms', SSEKMSKeyId?: string } {
  return {
    // The SDK's type is a closed list; services have classes of their own.
    ...storageClass === undefined ? {} : { StorageClass: storageClass as 'STANDARD' },
    ...encryptionKeyId === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: encryptionKeyId }
  }
}

function tokenOf (etag: string | undefined): string { return (etag ?? '').replaceAll('"', '') }
/** Whole seconds, as HEAD tells them; listings of some services are finer. */
function msOf (date: Date | undefined): number { return Math.floor((date?.getTime() ?? 0) / 1000) * 1000 }
function hexOf (crc: number): string { return crc.toString(16).padStart(8, '0') }

function base64Of (crc: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}
