// A double of Alibaba Cloud OSS at the level of its wire, for tests: objects, listings, batch deletion, uploads in parts, and a bucket's
// settings, with OSS's own ways where they are traps. Signatures of version 4 are checked by Alibaba Cloud's own signer. What it does not do:
// keep old versions (under versioning it only takes no notice of forbid-overwrite, as OSS does), compute CRC-64, classes, encryption, ACLs,
// symlinks, append, bucket in the host name, consistency among servers (it is one process). Alibaba Cloud's client is run against it
// (ali-client.test.ts), so that what it understands is what that sends.
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { xmlElements, xmlEscaped, xmlText } from '@streambed/sdk/remote'
import { errorXml, receivedOf, signatureProblem, type Received } from './received.ts'
import { LoopbackServer, giveBytes } from '../../../conformance/test/loopback-server.ts'

interface Stored { readonly bytes: Buffer, readonly etag: string, readonly modifiedMs: number, readonly headers: Readonly<Record<string, string>> }
interface Upload { readonly name: string, readonly headers: Readonly<Record<string, string>>, readonly startedMs: number, readonly parts: Map<number, { readonly bytes: Buffer, readonly etag: string }> }

const statusByCode: Readonly<Record<string, number>> = {
  AccessDenied: 403, InvalidAccessKeyId: 403, RequestTimeTooSkewed: 403, SecurityTokenExpired: 403, SignatureDoesNotMatch: 403, InvalidArgument: 400, InvalidDigest: 400, InvalidPart: 400, InvalidObjectName: 400,
  EntityTooSmall: 400, NoSuchBucket: 404, NoSuchKey: 404, NoSuchUpload: 404, FileAlreadyExists: 409, InvalidRange: 416
}

export class FakeOss extends LoopbackServer {
  readonly bucket = 'fake-bucket'
  readonly region = 'cn-hangzhou'
  readonly accessKeyId = 'id'
  accessKeySecret = 'secret'
  /** The one that is good; undefined: none is asked for. */
  securityToken: string | undefined
  /** Each of the bucket's settings, as XML; a setting that is not here is answered with 404. */
  settings: Record<string, string> = { bucketInfo: '<BucketInfo><Bucket><DataRedundancyType>ZRS</DataRedundancyType><Location>oss-cn-hangzhou</Location></Bucket></BucketInfo>' }
  versioning: 'Enabled' | 'Suspended' | undefined
  /** What may not be asked for. */
  readonly forbidden = new Set<string>()
  /** Names whose deletion in a batch fails, and names of which its answer says nothing. */
  readonly undeletable = new Set<string>()
  readonly unmentioned = new Set<string>()
  /** Whether a bit of each body changes on its way here. */
  spoils = false
  /** Its clock, which stands still. */
  nowMs = Date.now()
  readonly requests: Received[] = []
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, Upload>()
  #count = 0

  static async start (): Promise<FakeOss> { return await new FakeOss().listen() }

  protected override async take (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => undefined) as Buffer[] | undefined
    if (chunks === undefined) return
    const body = Buffer.concat(chunks)
    if (this.spoils && body.length > 0) body[0]! ^= 1
    const received = receivedOf(request)
    this.requests.push(received)
    response.setHeader('date', new Date(this.nowMs).toUTCString())
    response.setHeader('x-oss-request-id', '5CAC0342B7AEADE017000001')
    const problem = signatureProblem(received, this) ?? (received.bucket === this.bucket ? undefined : 'NoSuchBucket') ?? this.#answer(received, response, body)
    if (problem !== undefined) refuse(response, received.method, problem)
  }

  /** Answers, or resolves with the code of the error to answer with. */
  #answer (received: Received, response: ServerResponse, body: Buffer): string | undefined {
    const { headers, method, name, query } = received
    const md5 = headers['content-md5']
    if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) return 'InvalidDigest'
    if (name === '') return this.#ofBucket(received, response, body)
    if (Buffer.byteLength(name) > 1023 || /^[/\\]/.test(name)) return 'InvalidObjectName'
    if ('uploads' in query || 'uploadId' in query) return this.#ofUpload(received, response, body)
    const stored = this.objects.get(name)
    switch (method) {
      case 'PUT': {
        if (this.#isTaken(name, headers)) return 'FileAlreadyExists'
        const { etag } = this.#store(name, body, headers, createHash('md5').update(body).digest('hex').toUpperCase())
        response.writeHead(200, { etag: `"${etag}"`, ...this.#versionHeader() }).end()
        return undefined
      }
      case 'DELETE':
        this.objects.delete(name)
        response.writeHead(204).end()
        return undefined
      default:
        if (stored === undefined) return 'NoSuchKey'
        return give(received, response, stored)
    }
  }

  /** Under versioning, also when it is suspended, the header is not looked at. */
  #isTaken (name: string, headers: Received['headers']): boolean {
    return headers['x-oss-forbid-overwrite'] === 'true' && this.versioning === undefined && this.objects.has(name)
  }

  #versionHeader (): Readonly<Record<string, string>> { return this.versioning === undefined ? {} : { 'x-oss-version-id': this.versioning === 'Suspended' ? 'null' : 'CAEQNhiBgMDJgZCA0BYiIDc4' } }

  #store (name: string, bytes: Buffer, headers: Received['headers'], etag: string): Stored {
    const kept = Object.fromEntries(Object.entries(headers).filter(([header]) => header.startsWith('x-oss-meta-')))
    const stored = { bytes: Buffer.from(bytes), etag, modifiedMs: this.nowMs, headers: kept }
    this.objects.set(name, stored)
    return stored
  }

  #ofBucket ({ method, query }: Received, response: ServerResponse, body: Buffer): string | undefined {
    if (method === 'POST' && 'delete' in query) { this.#deleteMany(response, body.toString()); return undefined }
    if ('list-type' in query) { this.#list(response, query); return undefined }
    if ('uploads' in query) { this.#listUploads(response, query); return undefined }
    const [setting = ''] = Object.keys(query)
    if (this.forbidden.has(setting)) return 'AccessDenied'
    if (setting === 'versioning') { say(response, `<VersioningConfiguration>${this.versioning === undefined ? '' : `<Status>${this.versioning}</Status>`}</VersioningConfiguration>`); return undefined }
    const xml = this.settings[setting]
    if (xml === undefined) { response.writeHead(404).end(errorXml(`NoSuch${setting}Configuration`)); return undefined }
    say(response, xml)
    return undefined
  }

  #list (response: ServerResponse, query: Received['query']): void {
    const names = [...this.objects.keys()].filter(name => name.startsWith(query['prefix'] ?? '') && compare(name, query['start-after'] ?? '') > 0).sort(compare)
    const page = names.slice(0, Math.min(Number(query['max-keys'] ?? 100), 1000))
    const contents = page.map(name => {
      const { bytes, etag, modifiedMs } = this.objects.get(name)!
      return `<Contents><Key>${xmlEscaped(name)}</Key><LastModified>${new Date(modifiedMs).toISOString()}</LastModified><ETag>"${etag}"</ETag><Type>Normal</Type><Size>${bytes.length}</Size><StorageClass>Standard</StorageClass></Contents>`
    })
    say(response, `<ListBucketResult><Name>${this.bucket}</Name><Prefix>${xmlEscaped(query['prefix'] ?? '')}</Prefix><KeyCount>${page.length}</KeyCount><IsTruncated>${page.length < names.length}</IsTruncated>${contents.join('')}</ListBucketResult>`)
  }

  #deleteMany (response: ServerResponse, xml: string): void {
    const answers = xmlElements(xml, 'Object').map(object => xmlText(object, 'Key')!).map(name => {
      if (this.undeletable.has(name)) return `<Error><Key>${xmlEscaped(name)}</Key><Code>InternalError</Code><Message>no</Message></Error>`
      if (this.unmentioned.has(name)) return ''
      this.objects.delete(name)
      return `<Deleted><Key>${xmlEscaped(name)}</Key></Deleted>`
    })
    if (xmlText(xml, 'Quiet') === 'true') response.writeHead(200).end()
    else say(response, `<DeleteResult>${answers.join('')}</DeleteResult>`)
  }

  #ofUpload ({ headers, method, name, query }: Received, response: ServerResponse, body: Buffer): string | undefined {
    if ('uploads' in query) {
      const id = `UPLOAD${String(++this.#count).padStart(8, '0')}`
      this.uploads.set(id, { name, headers, startedMs: this.nowMs, parts: new Map() })
      say(response, `<InitiateMultipartUploadResult><Bucket>${this.bucket}</Bucket><Key>${xmlEscaped(name)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
      return undefined
    }
    const id = query['uploadId']!
    const upload = this.uploads.get(id)
    if (upload?.name !== name) return 'NoSuchUpload'
    if (method === 'PUT') {
      const etag = createHash('md5').update(body).digest('hex').toUpperCase()
      upload.parts.set(Number(query['partNumber']), { bytes: body, etag })
      response.writeHead(200, { etag: `"${etag}"` }).end()
    } else if (method === 'DELETE') {
      this.uploads.delete(id)
      response.writeHead(204).end()
    } else {
      const named = xmlElements(body.toString(), 'Part').map(part => ({ etag: xmlText(part, 'ETag')!.replaceAll('"', ''), part: upload.parts.get(Number(xmlText(part, 'PartNumber'))) }))
      if (named.some(({ etag, part }) => part?.etag !== etag)) return 'InvalidPart'
      if (named.slice(0, -1).some(({ part }) => part!.bytes.length < 100 * 1024)) return 'EntityTooSmall'
      if (this.#isTaken(name, headers)) return 'FileAlreadyExists'
      const { etag } = this.#store(name, Buffer.concat(named.map(({ part }) => part!.bytes)), upload.headers, `${createHash('md5').update(named.map(({ etag: tag }) => tag).join()).digest('hex').toUpperCase()}-${named.length}`)
      this.uploads.delete(id)
      for (const [header, value] of Object.entries(this.#versionHeader())) response.setHeader(header, value)
      say(response, `<CompleteMultipartUploadResult><Bucket>${this.bucket}</Bucket><Key>${xmlEscaped(name)}</Key><ETag>"${etag}"</ETag></CompleteMultipartUploadResult>`)
    }
    return undefined
  }

  /** Two to a page, so that pages are turned. */
  #listUploads (response: ServerResponse, query: Received['query']): void {
    const all = [...this.uploads].filter(([id, { name }]) => name.startsWith(query['prefix'] ?? '') && id > (query['upload-id-marker'] ?? '')).sort(([left], [right]) => compare(left, right))
    const page = all.slice(0, 2)
    const [lastId, last] = page.at(-1) ?? ['', { name: '' }]
    const told = page.map(([id, { name, startedMs }]) => `<Upload><Key>${xmlEscaped(name)}</Key><UploadId>${id}</UploadId><Initiated>${new Date(startedMs).toISOString()}</Initiated></Upload>`)
    say(response, `<ListMultipartUploadsResult><NextKeyMarker>${xmlEscaped(last.name)}</NextKeyMarker><NextUploadIdMarker>${lastId}</NextUploadIdMarker><IsTruncated>${all.length > page.length}</IsTruncated>${told.join('')}</ListMultipartUploadsResult>`)
  }
}

/** An object, or what is told of it. Past the end a range is refused only where its behaviour is asked to be standard. */
function give ({ headers: asked, method }: Received, response: ServerResponse, { bytes, etag, headers: kept, modifiedMs }: Stored): string | undefined {
  const headers = { ...kept, etag: `"${etag}"`, 'last-modified': new Date(modifiedMs).toUTCString(), 'x-oss-object-type': 'Normal' }
  const range = method === 'GET' ? /^bytes=(\d+)-(\d+)$/.exec(asked['range'] ?? '') : null
  const isStandard = asked['x-oss-range-behavior'] === 'standard'
  return giveBytes(response, { method, headers, bytes, range: !isStandard && Number(range?.[2]) >= bytes.length ? null : range })
}

function refuse (response: ServerResponse, method: string, code: string): void {
  const xml = errorXml(code)
  // The answer to a HEAD has no body: OSS tells the same in a header.
  if (method === 'HEAD') response.writeHead(statusByCode[code]!, { 'x-oss-err': Buffer.from(xml).toString('base64'), 'x-oss-ec': '0026-00000001' }).end()
  else response.writeHead(statusByCode[code]!, { 'content-type': 'application/xml' }).end(xml)
}

function say (response: ServerResponse, xml: string): void { response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`) }
function compare (left: string, right: string): number { return Buffer.compare(Buffer.from(left), Buffer.from(right)) }
