import { createHash } from 'node:crypto'
import { compareKeys, type ByteRange, type Environment, type Finding, type ObjectInfo, type ObjectPage } from '@streambed/sdk'
import { contiguous, sortedPage, type ObjectService, type ServiceBody, type ServiceDeleteOutcome, type ServiceFailure, type ServiceObject, type ServicePut } from '@streambed/sdk/remote'
import type { BlobItem } from '@azure/storage-blob'
import type { OpenContainer } from './client.ts'
import { failureOf } from './errors.ts'
import { Markers } from './markers.ts'
import { blobNameOf, isOrderedElse, nameOf } from './names.ts'
import type { AzureBlobOptions } from './options.ts'
import { preflight } from './preflight.ts'

/** Names of blob metadata (identifiers of C#: no hyphens): the writer's token, and the CRC-32C of the whole as eight hex digits. */
const ownerField = 'streambedowner'
const crcField = 'streambedcrc32c'

/**
 * Requests to Azure Blob Storage. Objects are put in one request (Put Blob, at most 5,000 MiB); uploads in parts are not offered:
 * blocks of all uploads of a blob share one list, which a put empties and nobody can abort.
 */
export class AzureService implements ObjectService {
  readonly deleteNamesMax = 256
  readonly #open: OpenContainer
  readonly #options: AzureBlobOptions
  readonly #environment: Environment
  readonly #markers = new Markers()

  constructor (open: OpenContainer, options: AzureBlobOptions, environment: Environment) {
    this.#open = open
    this.#options = options
    this.#environment = environment
  }

  async put ({ crc32c, ifAbsent, name, owner, pieces, size, signal }: ServicePut): Promise<{ readonly versionToken: string }> {
    const body = contiguous(pieces)
    const { accessTier, checksum } = this.#options
    const { etag } = await this.#open.container.getBlockBlobClient(blobNameOf(name)).upload(body, size, {
      abortSignal: signal,
      metadata: { [ownerField]: owner, [crcField]: crc32c.toString(16).padStart(8, '0') },
      ...checksum === 'none' ? {} : { blobHTTPHeaders: { blobContentMD5: createHash('md5').update(body).digest() } },
      ...accessTier === undefined ? {} : { tier: accessTier },
      ...ifAbsent ? { conditions: { ifNoneMatch: '*' } } : {}
    })
    return { versionToken: tokenOf(etag) }
  }

  async get (name: string, range: ByteRange | undefined, signal: AbortSignal): Promise<ServiceBody> {
    const { contentLength, metadata, readableStreamBody } = await this.#open.container.getBlobClient(blobNameOf(name))
      .download(range?.start ?? 0, range === undefined ? undefined : range.end - range.start, { abortSignal: signal, maxRetryRequests: 0 })
    const crc = metadata?.[crcField]
    return { bytes: await readAll(readableStreamBody!, contentLength ?? 0), crc32c: crc === undefined ? undefined : Number.parseInt(crc, 16) }
  }

  async head (name: string, signal: AbortSignal): Promise<ServiceObject> {
    const { contentLength, etag, lastModified, metadata } = await this.#open.container.getBlobClient(blobNameOf(name)).getProperties({ abortSignal: signal })
    return { size: contentLength ?? 0, versionToken: tokenOf(etag), modifiedMs: lastModified?.getTime() ?? 0, owner: metadata?.[ownerField] }
  }

  async list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ObjectPage> {
    const objects: ObjectInfo[] = []
    const marker = startAfter === undefined ? undefined : this.#markers.after(prefix, startAfter)
    for await (const { infos, next } of this.#pages(prefix, marker, limit, signal)) {
      if (infos.some(({ key }) => isOrderedElse(key))) return await sortedPage(this.#listings(prefix, signal), prefix, startAfter, limit)
      for (const [index, info] of infos.entries()) {
        if (startAfter !== undefined && compareKeys(info.key, startAfter) <= 0) continue
        objects.push(info)
        if (objects.length < limit) continue
        const isPageDone = index === infos.length - 1
        if (isPageDone && next !== undefined) this.#markers.keep(prefix, info.key, next)
        return { objects, isLast: isPageDone && next === undefined }
      }
    }
    return { objects, isLast: true }
  }

  async * #listings (prefix: string, signal: AbortSignal): AsyncGenerator<readonly ObjectInfo[]> {
    for await (const { infos } of this.#pages(prefix, undefined, 5_000, signal)) yield infos
  }

  async * #pages (prefix: string, marker: string | undefined, maxPageSize: number, signal: AbortSignal): AsyncGenerator<{ readonly infos: readonly ObjectInfo[], readonly next: string | undefined }> {
    const pages = this.#open.container.listBlobsFlat({ prefix: blobNameOf(prefix), abortSignal: signal }).byPage({ maxPageSize, ...marker === undefined ? {} : { continuationToken: marker } })
    for await (const { continuationToken, segment } of pages) yield { infos: segment.blobItems.map(infoOf), next: continuationToken === '' ? undefined : continuationToken }
  }

  async delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]> {
    const blobs = names.map(name => this.#open.container.getBlobClient(blobNameOf(name)))
    const { subResponses } = await this.#open.container.getBlobBatchClient().deleteBlobs(blobs, { abortSignal: signal })
    return names.map((_, index) => {
      const { errorCode, status, statusMessage } = subResponses[index] ?? { status: 500, statusMessage: 'the answer does not tell of it' }
      if (status < 300) return { kind: 'deleted' }
      const failure = failureOf({ code: errorCode, statusCode: status, message: statusMessage })
      return failure.code === 'NOT_FOUND' ? { kind: 'deleted' } : { kind: 'failed', failure }
    })
  }

  async preflight (_prefix: string, signal: AbortSignal): Promise<readonly Finding[]> {
    return await preflight(this.#open.container, this.#environment.clock, signal)
  }

  failureOf (error: unknown): ServiceFailure { return failureOf(error) }
  close (): void { this.#open.close() }
}

async function readAll (body: NodeJS.ReadableStream, size: number): Promise<Uint8Array> {
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

function infoOf ({ name, properties: { contentLength, etag, lastModified } }: BlobItem): ObjectInfo {
  return { key: nameOf(name), size: contentLength ?? 0, versionToken: tokenOf(etag), modifiedMs: lastModified.getTime() }
}

/** Listings tell the tag without its quotes. */
function tokenOf (etag: string | undefined): string { return (etag ?? '').replaceAll('"', '') }
