import { Unbelieved, wholeXml, xmlElements, xmlEscaped, xmlText, type MultipartService, type ServicePart, type ServiceUpload } from '@streambed/sdk/remote'
import { md5Header, type OssClient } from './client.ts'
import { failureOf } from './errors.ts'
import { ownerHeader, storageHeaders, tokenOf } from './object-headers.ts'
import type { OssOptions } from './options.ts'
import type { Versioning } from './versioning.ts'

/** Uploads in parts. Each part is checked by the service against its MD5; of the whole no CRC-32C is kept, which is known only at its end. */
export class OssMultipart implements MultipartService {
  readonly #client: OssClient
  readonly #options: OssOptions
  readonly #versioning: Versioning

  constructor (client: OssClient, options: OssOptions, versioning: Versioning) {
    this.#client = client
    this.#options = options
    this.#versioning = versioning
  }

  async start (name: string, { owner, signal }: { readonly owner: string, readonly signal: AbortSignal }): Promise<string> {
    const answer = await this.#client.ask('InitiateMultipartUploadResult', {
      method: 'POST', name, query: { uploads: '' }, pieces: [], signal,
      headers: { 'content-type': 'application/octet-stream', [ownerHeader]: owner, ...storageHeaders(this.#options) }
    })
    const uploadId = xmlText(answer, 'UploadId')
    if (uploadId === undefined) throw new Unbelieved('it names no upload')
    return uploadId
  }

  async uploadPart ({ name, uploadId }: ServiceUpload, { number, pieces, signal }: { readonly number: number, readonly pieces: readonly Uint8Array[], readonly signal: AbortSignal }): Promise<string> {
    const { headers: { etag } } = await this.#client.sendOfObject({
      method: 'PUT', name, query: { partNumber: String(number), uploadId }, pieces, signal,
      headers: this.#options.checksum === 'none' ? {} : md5Header(pieces)
    })
    if (etag === undefined) throw new Unbelieved('it names no tag')
    return etag
  }

  async complete ({ name, uploadId }: ServiceUpload, parts: readonly ServicePart[], { ifAbsent, signal }: { readonly ifAbsent: boolean, readonly signal: AbortSignal }): Promise<string | undefined> {
    if (ifAbsent) await this.#versioning.refuse(signal)
    const list = parts.map(({ number, token }) => `<Part><PartNumber>${number}</PartNumber><ETag>${xmlEscaped(token)}</ETag></Part>`).join('')
    const answer = await this.#client.sendOfObject({
      method: 'POST', name, query: { uploadId }, signal,
      headers: { 'content-type': 'application/xml', ...ifAbsent ? { 'x-oss-forbid-overwrite': 'true' } : {} },
      pieces: [Buffer.from(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`)]
    })
    if (ifAbsent) this.#versioning.refuseAnswer(answer.headers)
    const etag = tokenOf(answer.headers.etag ?? xmlText(wholeXml(answer, 'CompleteMultipartUploadResult'), 'ETag'))
    return etag === '' ? undefined : etag
  }

  async abort ({ name, uploadId }: ServiceUpload, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.sendOfObject({ method: 'DELETE', name, query: { uploadId }, signal })
    } catch (error) {
      if (failureOf(error).code !== 'NOT_FOUND') throw error
    }
  }

  async * list (prefix: string, signal: AbortSignal): AsyncGenerator<ServiceUpload & { readonly startedMs: number }> {
    let marker: Readonly<Record<string, string>> | undefined = {}
    do {
      const page: string = await this.#client.ask('ListMultipartUploadsResult', { method: 'GET', query: { uploads: '', ...prefix === '' ? {} : { prefix }, ...marker }, signal })
      for (const upload of xmlElements(page, 'Upload')) {
        yield { name: xmlText(upload, 'Key') ?? '', uploadId: xmlText(upload, 'UploadId') ?? '', startedMs: Date.parse(xmlText(upload, 'Initiated') ?? '') }
      }
      const isMore = xmlText(page, 'IsTruncated') === 'true'
      marker = isMore ? { 'key-marker': xmlText(page, 'NextKeyMarker') ?? '', 'upload-id-marker': xmlText(page, 'NextUploadIdMarker') ?? '' } : undefined
    } while (marker !== undefined)
  }
}
