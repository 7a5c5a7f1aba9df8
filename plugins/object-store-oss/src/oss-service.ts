import type { ByteRange, Environment, Finding, ObjectInfo, ObjectPage } from '@streambed/sdk'
import {
  Unbelieved, answerBytesMaxOf, checkEcho, checksumOf, isTagOfParts, md5InTag, objectBytes, xmlElements, xmlEscaped, xmlText,
  type HttpAnswer, type MultipartService, type ObjectService, type ServiceBody, type ServiceDeleteOutcome, type ServiceFailure, type ServiceObject, type ServicePut
} from '@streambed/sdk/remote'
import { md5Header, type OssClient } from './client.ts'
import { answerFailureOf, failureOf } from './errors.ts'
import { objectBytesMax } from './limits.ts'
import { OssMultipart } from './multipart.ts'
import { crcHeader, ownerHeader, storageHeaders, tokenOf } from './object-headers.ts'
import type { OssOptions } from './options.ts'
import { preflight } from './preflight.ts'
import { Versioning } from './versioning.ts'

/**
 * Requests to Alibaba Cloud OSS. The version token is the ETag. The service checks the MD5 of what it is sent; our CRC-32C is
 * kept as metadata and compared when a whole object is read.
 */
export class OssService implements ObjectService {
  readonly deleteNamesMax = 1000
  readonly multipart: MultipartService
  readonly #client: OssClient
  readonly #options: OssOptions
  readonly #environment: Environment
  readonly #versioning: Versioning

  constructor (client: OssClient, options: OssOptions, environment: Environment) {
    this.#client = client
    this.#options = options
    this.#environment = environment
    this.#versioning = new Versioning(client, environment)
    this.multipart = new OssMultipart(client, options, this.#versioning)
  }

  async put ({ crc32c, ifAbsent, name, owner, pieces, signal }: ServicePut): Promise<{ readonly versionToken: string }> {
    if (ifAbsent) await this.#versioning.refuse(signal)
    const { headers } = await this.#client.sendOfObject({
      method: 'PUT', name, pieces, signal,
      headers: {
        'content-type': 'application/octet-stream',
        ...this.#options.checksum === 'none' ? {} : md5Header(pieces),
        [ownerHeader]: owner,
        [crcHeader]: crc32c.toString(16).padStart(8, '0'),
        ...ifAbsent ? { 'x-oss-forbid-overwrite': 'true' } : {},
        ...storageHeaders(this.#options)
      }
    })
    if (ifAbsent) this.#versioning.refuseAnswer(headers)
    return { versionToken: tokenOf(headers.etag) }
  }

  /** Without the range's behaviour a range past the end is answered with the whole object. */
  async get (name: string, range: ByteRange | undefined, signal: AbortSignal, onBytes?: (count: number) => void): Promise<ServiceBody> {
    const answer = await this.#client.sendOfObject({
      method: 'GET', name, signal, answerBytesMax: answerBytesMaxOf(range, objectBytesMax), ...onBytes === undefined ? {} : { onBytes },
      headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}`, 'x-oss-range-behavior': 'standard' }
    })
    const { bytes, isWhole } = objectBytes(answer, range)
    const { [crcHeader]: crc, etag } = answer.headers
    const tag = tokenOf(etag)
    const told = { bytes, written: typeof crc === 'string' ? crc : undefined, isInParts: isTagOfParts(tag), md5: md5InTag(tag) }
    return { bytes, isWhole, crc32c: isWhole ? checksumOf(told, this.#environment.crc32c) : undefined }
  }

  async head (name: string, signal: AbortSignal): Promise<ServiceObject> {
    return objectOf(await this.#client.sendOfObject({ method: 'HEAD', name, signal }))
  }

  async list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ObjectPage> {
    const page = await this.#client.ask('ListBucketResult', {
      method: 'GET', signal,
      query: { 'list-type': '2', 'max-keys': String(limit), ...prefix === '' ? {} : { prefix }, ...startAfter === undefined ? {} : { 'start-after': startAfter } }
    })
    const isTruncated = xmlText(page, 'IsTruncated')
    if (isTruncated !== 'true' && isTruncated !== 'false') throw new Unbelieved('it does not say whether more follows')
    checkEcho('the prefix', prefix, xmlText(page, 'Prefix'))
    return { objects: xmlElements(page, 'Contents').map(infoOf), isLast: isTruncated === 'false' }
  }

  /** Asks to be told of each deletion: one that the answer does not tell of is not known to have happened. */
  async delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]> {
    const list = names.map(name => `<Object><Key>${xmlEscaped(name)}</Key></Object>`).join('')
    const pieces = [Buffer.from(`<?xml version="1.0" encoding="UTF-8"?><Delete><Quiet>false</Quiet>${list}</Delete>`)]
    const answer = await this.#client.ask('DeleteResult', { method: 'POST', query: { delete: '' }, headers: { 'content-type': 'application/xml', ...md5Header(pieces) }, pieces, signal })
    const deleted = new Set(xmlElements(answer, 'Deleted').map(element => xmlText(element, 'Key')))
    const failures = new Map(xmlElements(answer, 'Error').map(element => [xmlText(element, 'Key'), answerFailureOf({ code: xmlText(element, 'Code'), message: xmlText(element, 'Message') })]))
    return names.map(name => {
      const failure = failures.get(name)
      if (deleted.has(name) || failure?.code === 'NOT_FOUND') return { kind: 'deleted' }
      return { kind: 'failed', failure: failure ?? { code: 'NO_VERDICT', detail: 'the answer does not tell of it' } }
    })
  }

  async preflight (prefix: string, signal: AbortSignal): Promise<readonly Finding[]> {
    return await preflight(this.#client, this.#options, prefix, this.#environment.clock, signal)
  }

  failureOf (error: unknown): ServiceFailure { return failureOf(error) }
  close (): void { this.#client.close() }
}

function objectOf ({ headers }: HttpAnswer): ServiceObject {
  const owner = headers[ownerHeader]
  return {
    size: Number(headers['content-length'] ?? NaN), versionToken: tokenOf(headers.etag), modifiedMs: Date.parse(headers['last-modified'] ?? ''),
    owner: typeof owner === 'string' ? owner : undefined
  }
}

function infoOf (element: string): ObjectInfo {
  return {
    key: xmlText(element, 'Key') ?? '', size: Number(xmlText(element, 'Size') ?? NaN), versionToken: tokenOf(xmlText(element, 'ETag')),
    // Whole seconds, as HEAD tells them.
    modifiedMs: Math.floor(Date.parse(xmlText(element, 'LastModified') ?? '') / 1000) * 1000
  }
}
