import { compareKeys, type ByteRange, type Environment, type Finding, type ObjectInfo, type ObjectPage } from '@streambed/sdk'
import { HttpStatusError, Unbelieved, answerBytesMaxOf, checkEcho, checkMark, objectBytes, type HttpAnswer, type MultipartService, type ObjectService, type ServiceBody, type ServiceDeleteOutcome, type ServiceFailure, type ServiceObject, type ServicePut } from '@streambed/sdk/remote'
import { batchOf, outcomesOf } from './batch.ts'
import { queryOf, type GcsClient } from './client.ts'
import { failureOf, inBucket, isGooglesRefusal, marks } from './errors.ts'
import { hasMultipart, objectBytesMax } from './limits.ts'
import { GcsMultipart } from './multipart.ts'
import { base64Of, crc32cIn, ownerField } from './object-metadata.ts'
import type { GcsOptions } from './options.ts'
import { preflight } from './preflight.ts'

/** What the JSON API tells of an object, of what we ask for. Numbers of 64 bits come as text. */
interface GcsObject {
  readonly name?: string
  readonly size?: string
  readonly generation?: string
  readonly timeCreated?: string
  readonly metadata?: Readonly<Record<string, string>>
}

const objectFields = 'name,size,generation,timeCreated'

/**
 * Requests to Google Cloud Storage's JSON API. The version token is the generation. The checksum is Google's own CRC-32C
 * of the object: sent with the bytes, which are refused if they differ, and compared when a whole object is read.
 */
export class GcsService implements ObjectService {
  /** The service's limit for a batch. */
  readonly deleteNamesMax = 100
  readonly multipart?: MultipartService
  readonly #client: GcsClient
  readonly #options: GcsOptions
  readonly #environment: Environment
  readonly #bucketPath: string

  constructor (client: GcsClient, options: GcsOptions, environment: Environment) {
    this.#client = client
    this.#options = options
    this.#environment = environment
    this.#bucketPath = `/storage/v1/b/${options.bucket}`
    if (hasMultipart(options)) this.multipart = new GcsMultipart(client, options)
  }

  /** One request of two parts, what is told of the object and its bytes; a resumable upload would take a round trip more. */
  async put ({ crc32c, ifAbsent, name, owner, pieces, signal, size }: ServicePut): Promise<{ readonly versionToken: string }> {
    const { bucket, encryptionKeyId, storageClass } = this.#options
    // Random, so that no body holds it.
    const boundary = `streambed-${owner}`
    const about = JSON.stringify({ name, contentType: 'application/octet-stream', crc32c: base64Of(crc32c), metadata: { [ownerField]: owner }, ...storageClass === undefined ? {} : { storageClass } })
    const stored = await inBucket(this.#client.ask<GcsObject>({
      method: 'POST',
      path: `/upload/storage/v1/b/${bucket}/o?${queryOf({ uploadType: 'multipart', fields: 'name,size,generation', kmsKeyName: encryptionKeyId, ifGenerationMatch: ifAbsent ? 0 : undefined })}`,
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      pieces: [
        Buffer.from(`--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${about}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`),
        ...pieces,
        Buffer.from(`\r\n--${boundary}--\r\n`)
      ],
      signal
    }))
    checkEcho('the name', name, stored.name ?? '')
    checkEcho('the size', String(size), stored.size ?? '')
    return { versionToken: stored.generation ?? '' }
  }

  async get (name: string, range: ByteRange | undefined, signal: AbortSignal, onBytes?: (count: number) => void): Promise<ServiceBody> {
    const answer = await this.#downloaded(name, {
      method: 'GET', path: `${this.#pathOf(name)}?alt=media`, signal, answerBytesMax: answerBytesMaxOf(range, objectBytesMax), ...onBytes === undefined ? {} : { onBytes },
      headers: { 'cache-control': 'no-store', ...range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` } }
    })
    checkMark(answer, marks)
    const { bytes, isWhole } = objectBytes(answer, range)
    const crc32c = crc32cIn(answer.headers['x-goog-hash'])
    if (isWhole && crc32c === undefined) throw new Unbelieved('it bears no checksum of the object', { bytes: bytes.length })
    return { bytes, isWhole, crc32c }
  }

  async head (name: string, signal: AbortSignal): Promise<ServiceObject> {
    const object = await this.#client.ask<GcsObject>({ method: 'GET', path: `${this.#pathOf(name)}?${queryOf({ fields: `${objectFields},metadata` })}`, signal })
    checkEcho('the name', name, object.name ?? '')
    const { modifiedMs, size, versionToken } = infoOf(object)
    return { size, versionToken, modifiedMs, owner: object.metadata?.[ownerField] }
  }

  /**
   * Google starts a listing at a name, not after it: at the name and a space, the first of the characters that keys may hold,
   * so that the next key after it comes first. It may give fewer than were asked for, or none, with more to come.
   */
  async list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ObjectPage> {
    const objects: ObjectInfo[] = []
    const startOffset = startAfter === undefined ? undefined : `${startAfter} `
    let pageToken: string | undefined
    do {
      const page = await inBucket(this.#client.ask<{ readonly items?: readonly GcsObject[], readonly nextPageToken?: string }>({
        method: 'GET',
        path: `${this.#bucketPath}/o?${queryOf({ prefix, maxResults: limit - objects.length, startOffset, pageToken, fields: `kind,items(${objectFields}),nextPageToken` })}`,
        signal
      }, 'storage#objects'))
      // A server that takes no notice of where a listing starts gives what came before, too.
      objects.push(...(page.items ?? []).map(infoOf).filter(({ key }) => startAfter === undefined || compareKeys(key, startAfter) > 0))
      if (page.nextPageToken !== undefined && page.nextPageToken === pageToken) throw new Unbelieved('it says that the listing goes on where it stands')
      pageToken = page.nextPageToken
    } while (pageToken !== undefined && objects.length < limit)
    return { objects, isLast: pageToken === undefined }
  }

  async delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]> {
    // Not secret: no part holds a line of it.
    const boundary = `streambed-${Buffer.from(this.#environment.random.bytes(16)).toString('hex')}`
    const { body, headers } = await this.#client.send({
      method: 'POST', path: '/batch/storage/v1', headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
      pieces: [Buffer.from(batchOf(names.map(name => this.#pathOf(name)), boundary))], signal
    })
    return outcomesOf(names.length, headers['content-type'] ?? '', new TextDecoder().decode(body))
  }

  async preflight (prefix: string, signal: AbortSignal): Promise<readonly Finding[]> {
    return await preflight(this.#client, this.#options, prefix, this.#environment.clock, signal)
  }

  failureOf (error: unknown): ServiceFailure { return failureOf(error) }
  close (): void { this.#client.close() }

  /**
   * What is downloaded; who refuses to give it, and says nothing by which it is known for Google's, is asked what is told of the object. It may have
   * come to be there in between: then it is downloaded again.
   */
  async #downloaded (name: string, call: Parameters<GcsClient['send']>[0]): Promise<HttpAnswer> {
    for (let isAgain = false; ; isAgain = true) {
      try {
        return await this.#client.send(call)
      } catch (error) {
        if (!(error instanceof HttpStatusError) || error.status !== 404 || isGooglesRefusal(error)) throw error
        this.#environment.metrics.count('object_store_get_requests')
        await this.head(name, call.signal)
        if (isAgain) throw new Unbelieved('it says that the object is missing, which is there', { status: 404 })
      }
    }
  }

  #pathOf (name: string): string { return `${this.#bucketPath}/o/${encodeURIComponent(name)}` }
}

function infoOf ({ generation, name, size, timeCreated }: GcsObject): ObjectInfo {
  return { key: name ?? '', size: Number(size ?? NaN), versionToken: generation ?? '', modifiedMs: Date.parse(timeCreated ?? '') }
}
