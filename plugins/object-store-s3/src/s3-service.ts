import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand,
  ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand, UploadPartCommand, type ListObjectsV2CommandOutput, type S3Client
} from '@aws-sdk/client-s3'
import { compareKeys, type ByteRange, type Environment, type Finding, type ObjectInfo, type ObjectPage } from '@streambed/sdk'
import { Unbelieved, answerBytesMaxOf, checkEcho, checksumOf, contiguous, isTagOfParts, md5InTag, objectBytes, readBody, sortedPage } from '@streambed/sdk/remote'
import type {
  MultipartService, ObjectService, ServiceBody, ServiceDeleteOutcome, ServiceFailure, ServiceObject, ServicePut, ServiceUpload
} from '@streambed/sdk/remote'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { UnmarkedHead } from './answers.ts'
import { openClient } from './client.ts'
import { isDirectoryBucket } from './directory-bucket.ts'
import { failureOf } from './errors.ts'
import type { S3Options } from './options.ts'
import { preflight } from './preflight.ts'

/** Names of user metadata: the writer's token, and the CRC-32C of the whole as eight hex digits. */
const ownerField = 'streambedowner'
const crcField = 'streambedcrc32c'
/** S3's own limit for one put. */
export const objectBytesMax = 5 * 1024 ** 3

/** Requests to S3 and its kin. */
export class S3Service implements ObjectService {
  readonly deleteNamesMax = 1000
  readonly multipart: MultipartService
  readonly #client: S3Client
  readonly #options: S3Options
  readonly #environment: Environment
  /** Whether the service was seen to take no notice of where a listing starts. */
  #listsFromTheStart = false

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

  async get (name: string, range: ByteRange | undefined, signal: AbortSignal, onBytes?: (count: number) => void): Promise<ServiceBody> {
    const { $metadata, Body, ContentEncoding, ContentLength, ContentRange, ETag, Metadata = {} } = await this.#client.send(new GetObjectCommand({
      Bucket: this.#options.bucket, Key: name, ...range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }
    }), { abortSignal: signal })
    const body = await readBody(Body as Readable, ContentLength, answerBytesMaxOf(range, objectBytesMax), onBytes)
    const { bytes, isWhole } = objectBytes({ status: $metadata.httpStatusCode ?? 0, headers: { 'content-range': ContentRange, 'content-encoding': ContentEncoding }, body }, range)
    const tag = tokenOf(ETag)
    const told = { bytes, written: Metadata[crcField], isInParts: isTagOfParts(tag), md5: md5InTag(tag) }
    return { bytes, isWhole, crc32c: isWhole ? checksumOf(told, this.#environment.crc32c) : undefined }
  }

  async head (name: string, signal: AbortSignal): Promise<ServiceObject> {
    try {
      const { ContentLength, ETag, LastModified, Metadata } = await this.#client.send(new HeadObjectCommand({ Bucket: this.#options.bucket, Key: name }), { abortSignal: signal })
      return { size: ContentLength ?? NaN, versionToken: tokenOf(ETag), modifiedMs: msOf(LastModified), owner: Metadata?.[ownerField] }
    } catch (error) {
      throw error instanceof UnmarkedHead && error.status === 404 ? await this.#whyMissing(name, signal) : error
    }
  }

  async list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ObjectPage> {
    if (isDirectoryBucket(this.#options.bucket) || (this.#listsFromTheStart && startAfter !== undefined)) return await sortedPage(this.#listings(prefix, signal), prefix, startAfter, limit)
    const page = await this.#client.send(new ListObjectsV2Command({
      Bucket: this.#options.bucket, Prefix: prefix, MaxKeys: limit, ...startAfter === undefined ? {} : { StartAfter: startAfter }
    }), { abortSignal: signal })
    const objects = infosOf(page, prefix)
    if (startAfter === undefined || objects.every(({ key }) => compareKeys(key, startAfter) > 0)) return { objects, isLast: page.IsTruncated === false }
    // From here on its own marks of where a listing goes on, which say the same of a service that knows no others.
    const sorted = await sortedPage(this.#listings(prefix, signal), prefix, startAfter, limit)
    this.#listsFromTheStart = true
    this.#environment.logger.warn('the service takes no notice of where a listing starts (start-after): each page is read from the start of the listing', { bucket: this.#options.bucket })
    return sorted
  }

  /** Asks to be told of each deletion: one that the answer does not tell of is not known to have happened. */
  async delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]> {
    const { Deleted = [], Errors = [] } = await this.#client.send(new DeleteObjectsCommand({
      Bucket: this.#options.bucket, Delete: { Objects: names.map(Key => ({ Key })), Quiet: false }
    }), { abortSignal: signal })
    const deleted = new Set(Deleted.map(({ Key }) => Key))
    const failures = new Map(Errors.map(error => [error.Key, failureOf({ Code: error.Code, message: error.Message })]))
    return names.map(name => {
      const failure = failures.get(name)
      if (failure === undefined ? deleted.has(name) : failure.code === 'NOT_FOUND') return { kind: 'deleted' }
      return { kind: 'failed', failure: failure ?? { code: 'NO_VERDICT', detail: 'the answer does not tell of it' } }
    })
  }

  async preflight (prefix: string, signal: AbortSignal): Promise<readonly Finding[]> {
    return await preflight(this.#client, this.#options.bucket, prefix, this.#environment.clock, signal)
  }

  failureOf (error: unknown): ServiceFailure { return failureOf(error) }
  close (): void { this.#client.destroy() }

  /**
   * The listing from page to page by the service's own marks: directory buckets list in no order, and only by prefixes that end with a `/`. Counts the
   * requests after the first.
   */
  async * #listings (prefix: string, signal: AbortSignal): AsyncGenerator<readonly ObjectInfo[]> {
    const below = isDirectoryBucket(this.#options.bucket) ? prefix.slice(0, prefix.lastIndexOf('/') + 1) : prefix
    const tokens = new Set<string>()
    for (let token: string | undefined; ;) {
      const page: ListObjectsV2CommandOutput = await this.#client.send(new ListObjectsV2Command({
        Bucket: this.#options.bucket, ...below === '' ? {} : { Prefix: below }, ...token === undefined ? {} : { ContinuationToken: token }
      }), { abortSignal: signal })
      yield infosOf(page, below)
      token = page.NextContinuationToken
      if (page.IsTruncated !== true) return
      if (token === undefined || tokens.has(token)) throw new Unbelieved('it says that the listing goes on, and not where')
      tokens.add(token)
      this.#environment.metrics.count('object_store_list_requests')
    }
  }

  /** The answer to a HEAD has no body, and some services no header of their own: those say in the body of another that an object is missing. */
  async #whyMissing (name: string, signal: AbortSignal): Promise<unknown> {
    this.#environment.metrics.count('object_store_get_requests')
    return await this.get(name, { start: 0, end: 1 }, signal).then(() => new Unbelieved('it says that the object is missing, which is there', { status: 404 }), (error: unknown) => {
      // An empty object has no first byte, and is there all the same.
      return failureOf(error).code === 'OUT_OF_RANGE' ? new Unbelieved('it says that the object is missing, which is there', { status: 404 }) : error
    })
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
    if (UploadId === undefined || UploadId === '') throw new Unbelieved('it names no upload')
    return UploadId
  }

  async uploadPart ({ name, uploadId }: ServiceUpload, part: { readonly number: number, readonly pieces: readonly Uint8Array[], readonly size: number, readonly signal: AbortSignal }): Promise<string> {
    const body = contiguous(part.pieces)
    // MD5, since a CRC-32C of a part is taken only where the upload began with one; every service checks this.
    const { ETag } = await this.#client.send(new UploadPartCommand({
      Bucket: this.#options.bucket, Key: name, UploadId: uploadId, PartNumber: part.number, Body: body, ContentLength: part.size,
      ContentMD5: createHash('md5').update(body).digest('base64')
    }), { abortSignal: part.signal })
    if (ETag === undefined || ETag === '') throw new Unbelieved('it names no tag')
    return ETag
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
      for (const { Initiated, Key, UploadId } of page.Uploads ?? []) yield { name: Key ?? '', uploadId: UploadId ?? '', startedMs: Initiated?.getTime() ?? NaN }
      marker = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker!, UploadIdMarker: page.NextUploadIdMarker! } : undefined
    } while (marker !== undefined)
  }
}

/** What a page of a listing below `prefix` tells. */
function infosOf ({ Contents = [], IsTruncated, Prefix }: ListObjectsV2CommandOutput, prefix: string): readonly ObjectInfo[] {
  if (IsTruncated === undefined) throw new Unbelieved('it does not say whether more follows')
  checkEcho('the prefix', prefix, Prefix)
  return Contents.map(({ ETag, Key = '', LastModified, Size }) => ({ key: Key, size: Size ?? NaN, versionToken: tokenOf(ETag), modifiedMs: msOf(LastModified) }))
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
function msOf (date: Date | undefined): number { return Math.floor((date?.getTime() ?? NaN) / 1000) * 1000 }
function hexOf (crc: number): string { return crc.toString(16).padStart(8, '0') }

function base64Of (crc: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}
