import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { compareKeys, type ByteRange, type Environment, type Finding } from '@streambed/sdk'
import {
  Unbelieved, answerBytesMaxOf, checkEcho, checksumOf, contiguous, objectBytes, readBody, sortedPage, wholeXml, xmlElements, xmlText,
  type ObjectService, type ServiceBody, type ServiceDeleteOutcome, type ServiceFailure, type ServiceListed, type ServiceObject, type ServicePage, type ServicePut
} from '@streambed/sdk/remote'
import type { BlobItem, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob'
import type { OpenContainer } from './client.ts'
import { failureOf } from './errors.ts'
import { Markers } from './markers.ts'
import { blobNameOf, isOrderedElse, nameOf } from './names.ts'
import type { AzureBlobOptions } from './options.ts'
import { preflight } from './preflight.ts'

/** Names of blob metadata (identifiers of C#: no hyphens): the writer's token, and the CRC-32C of the whole as eight hex digits. */
const ownerField = 'streambedowner'
const crcField = 'streambedcrc32c'
/** Azure's own limit for one Put Blob. */
const objectBytesMax = 5_000 * 1024 ** 2

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

  async get (name: string, range: ByteRange | undefined, signal: AbortSignal, onBytes?: (count: number) => void): Promise<ServiceBody> {
    const { _response: { status }, contentEncoding, contentLength, contentMD5, contentRange, metadata = {}, readableStreamBody } = await this.#open.container.getBlobClient(blobNameOf(name))
      .download(range?.start ?? 0, range === undefined ? undefined : range.end - range.start, { abortSignal: signal, maxRetryRequests: 0 })
    const body = await readBody(readableStreamBody as Readable, contentLength, answerBytesMaxOf(range, objectBytesMax), onBytes)
    const { bytes, isWhole } = objectBytes({ status, headers: { 'content-range': contentRange, 'content-encoding': contentEncoding }, body }, range)
    const told = { bytes, written: metadata[crcField], isInParts: false, md5: contentMD5 === undefined ? undefined : Buffer.from(contentMD5).toString('hex') }
    return { bytes, isWhole, crc32c: isWhole ? checksumOf(told, this.#environment.crc32c) : undefined }
  }

  async head (name: string, signal: AbortSignal): Promise<ServiceObject> {
    const { contentLength, etag, lastModified, metadata } = await this.#open.container.getBlobClient(blobNameOf(name)).getProperties({ abortSignal: signal })
    return { size: contentLength ?? NaN, versionToken: tokenOf(etag), modifiedMs: lastModified?.getTime() ?? NaN, owner: metadata?.[ownerField] }
  }

  async list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ServicePage> {
    const objects: ServiceListed[] = []
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

  async * #listings (prefix: string, signal: AbortSignal): AsyncGenerator<readonly ServiceListed[]> {
    for await (const { infos } of this.#pages(prefix, undefined, 5_000, signal)) yield infos
  }

  /** With metadata, by which an account with a hierarchical namespace tells its folders. */
  async * #pages (prefix: string, marker: string | undefined, maxPageSize: number, signal: AbortSignal): AsyncGenerator<{ readonly infos: readonly ServiceListed[], readonly next: string | undefined }> {
    const pages = this.#open.container.listBlobsFlat({ prefix: blobNameOf(prefix), includeMetadata: true, abortSignal: signal }).byPage({ maxPageSize, ...marker === undefined ? {} : { continuationToken: marker } })
    const markers = new Set<string>()
    for await (const page of pages) {
      const { continuationToken, segment } = page
      const folders = foldersIn(page, blobNameOf(prefix))
      if (continuationToken !== undefined && markers.has(continuationToken)) throw new Unbelieved('it says that the listing goes on where it stands')
      markers.add(continuationToken ?? '')
      yield { infos: segment.blobItems.map(item => infoOf(item, folders)), next: continuationToken === '' ? undefined : continuationToken }
    }
  }

  async delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]> {
    const blobs = names.map(name => this.#open.container.getBlobClient(blobNameOf(name)))
    const { subResponses } = await this.#open.container.getBlobBatchClient().deleteBlobs(blobs, { abortSignal: signal })
    return names.map((_, index) => {
      const part = subResponses[index]
      if (part === undefined) return { kind: 'failed', failure: { code: 'NO_VERDICT', detail: 'the answer does not tell of it' } }
      const { errorCode, status, statusMessage } = part
      if (status === 202) return { kind: 'deleted' }
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

/** The names that a page of a listing says are folders. Rejects what is no such page. */
function foldersIn ({ _response: { bodyAsText, status } }: ContainerListBlobFlatSegmentResponse, prefix: string): ReadonlySet<string> {
  const page = wholeXml({ status, headers: {}, body: Buffer.from(bodyAsText) }, 'EnumerationResults')
  const [blobs] = xmlElements(page, 'Blobs')
  if (blobs === undefined) throw new Unbelieved('it lists nothing, not even none')
  checkEcho('the prefix', prefix, xmlText(page.replace(/<Blobs>[^]*<\/Blobs>/, ''), 'Prefix'))
  if (!/<ResourceType>directory</.test(blobs)) return new Set()
  return new Set(xmlElements(blobs, 'Blob').filter(blob => xmlText(blob, 'ResourceType') === 'directory').map(blob => xmlText(blob, 'Name') ?? ''))
}

function infoOf ({ metadata, name, properties: { contentLength, etag, lastModified } }: BlobItem, folders: ReadonlySet<string>): ServiceListed {
  const isFolder = contentLength === 0 && (metadata?.['hdi_isfolder'] === 'true' || folders.has(name))
  return { key: nameOf(name), size: contentLength ?? NaN, versionToken: tokenOf(etag), modifiedMs: lastModified?.getTime() ?? NaN, isFolder }
}

/** Listings tell the tag without its quotes. */
function tokenOf (etag: string | undefined): string { return (etag ?? '').replaceAll('"', '') }
