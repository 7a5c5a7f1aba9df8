import { Unbelieved, checkMark, wholeXml, xmlElements, xmlEscaped, xmlText, type MultipartService, type ServicePart, type ServiceUpload } from '@streambed/sdk/remote'
import { queryOf, type GcsClient } from './client.ts'
import { failureOf, marks } from './errors.ts'
import { base64Of, ownerField } from './object-metadata.ts'
import type { GcsOptions } from './options.ts'

/**
 * Uploads in parts by the XML API; the JSON API has none whose parts may come in any order. It takes no preconditions
 * for them, so that `ifAbsent` is not offered. Each part is checked against its CRC-32C before it is stored, and
 * Google computes that of the whole.
 */
export class GcsMultipart implements MultipartService {
  readonly #client: GcsClient
  readonly #options: GcsOptions

  constructor (client: GcsClient, options: GcsOptions) {
    this.#client = client
    this.#options = options
  }

  async start (name: string, { owner, signal }: { readonly owner: string, readonly signal: AbortSignal }): Promise<string> {
    const { encryptionKeyId, storageClass } = this.#options
    const answer = await this.#client.send({
      method: 'POST', path: `${this.#pathOf(name)}?uploads`, pieces: [], signal,
      headers: {
        'content-type': 'application/octet-stream',
        [`x-goog-meta-${ownerField}`]: owner,
        ...storageClass === undefined ? {} : { 'x-goog-storage-class': storageClass },
        ...encryptionKeyId === undefined ? {} : { 'x-goog-encryption-kms-key-name': encryptionKeyId }
      }
    })
    const uploadId = xmlText(wholeXml(answer, 'InitiateMultipartUploadResult'), 'UploadId')
    if (uploadId === undefined) throw new Unbelieved('it names no upload')
    return uploadId
  }

  async uploadPart ({ name, uploadId }: ServiceUpload, { crc32c, number, pieces, signal }: { readonly number: number, readonly pieces: readonly Uint8Array[], readonly crc32c: number, readonly signal: AbortSignal }): Promise<string> {
    const answer = await this.#client.send({
      method: 'PUT', path: `${this.#pathOf(name)}?${queryOf({ partNumber: number, uploadId })}`, headers: { 'x-goog-hash': `crc32c=${base64Of(crc32c)}` }, pieces, signal
    })
    checkMark(answer, marks)
    const { etag } = answer.headers
    if (etag === undefined) throw new Unbelieved('it names no tag')
    return etag
  }

  async complete ({ name, uploadId }: ServiceUpload, parts: readonly ServicePart[], { signal }: { readonly signal: AbortSignal }): Promise<string | undefined> {
    const list = parts.map(({ number, token }) => `<Part><PartNumber>${number}</PartNumber><ETag>${xmlEscaped(token)}</ETag></Part>`).join('')
    const { headers } = await this.#client.send({
      method: 'POST', path: `${this.#pathOf(name)}?${queryOf({ uploadId })}`, headers: { 'content-type': 'application/xml' },
      pieces: [Buffer.from(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`)], signal
    })
    const told = headers['x-goog-generation']
    return typeof told === 'string' ? told : undefined
  }

  async abort ({ name, uploadId }: ServiceUpload, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.send({ method: 'DELETE', path: `${this.#pathOf(name)}?${queryOf({ uploadId })}`, signal })
    } catch (error) {
      if (failureOf(error).code !== 'NOT_FOUND') throw error
    }
  }

  async * list (prefix: string, signal: AbortSignal): AsyncGenerator<ServiceUpload & { readonly startedMs: number }> {
    let marker: { readonly key: string, readonly uploadId: string } | undefined
    do {
      const query = queryOf({ prefix, 'key-marker': marker?.key, 'upload-id-marker': marker?.uploadId })
      const page = wholeXml(await this.#client.send({ method: 'GET', path: `/${this.#options.bucket}?uploads&${query}`, signal }), 'ListMultipartUploadsResult')
      for (const upload of xmlElements(page, 'Upload')) {
        yield { name: xmlText(upload, 'Key') ?? '', uploadId: xmlText(upload, 'UploadId') ?? '', startedMs: Date.parse(xmlText(upload, 'Initiated') ?? '') }
      }
      const isMore = xmlText(page, 'IsTruncated') === 'true'
      marker = isMore ? { key: xmlText(page, 'NextKeyMarker') ?? '', uploadId: xmlText(page, 'NextUploadIdMarker') ?? '' } : undefined
    } while (marker !== undefined)
  }

  #pathOf (name: string): string { return `/${this.#options.bucket}/${name.split('/').map(encodeURIComponent).join('/')}` }
}
