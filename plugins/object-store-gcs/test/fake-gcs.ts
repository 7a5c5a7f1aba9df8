// A double of Google Cloud Storage at the level of its wire, for tests: the calls of the JSON API that objects need, the
// XML API's uploads in parts, and a bucket's settings. What it does not do: authenticate (it takes the token it is told to),
// versions, holds, classes, encryption, resumable uploads, consistency among servers (it is one process), preconditions
// other than ifGenerationMatch, quotas other than one write a second to a name. Google's own client is run against it
// (google-client.test.ts), so that what it understands is what that sends.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { crc32c } from '@streambed/sdk'
import { xmlEscaped } from '@streambed/sdk/remote'
import { LoopbackServer } from '../../../conformance/test/loopback-server.ts'

interface Stored { readonly bytes: Buffer, readonly generation: number, readonly createdMs: number, readonly metadata: Readonly<Record<string, string>>, readonly contentType: string }
interface Upload { readonly name: string, readonly metadata: Readonly<Record<string, string>>, readonly startedMs: number, readonly parts: Map<number, { readonly bytes: Buffer, readonly etag: string }> }
interface Call { readonly request: IncomingMessage, readonly response: ServerResponse, readonly url: URL, readonly body: Buffer }

export class FakeGcs extends LoopbackServer {
  readonly bucket = 'fake-bucket'
  /** What the JSON API tells of the bucket. */
  settings: object = { location: 'EUROPE-WEST3', locationType: 'region' }
  permissions: readonly string[] = ['storage.objects.create', 'storage.objects.get', 'storage.objects.list', 'storage.objects.delete']
  /** The one token that is taken; undefined takes anything. */
  token: string | undefined
  /** Most entries that a listing gives, whatever is asked for. */
  pageMax = 1000
  /** Whether a listing begins with a page of nothing, as Google's may. */
  startsEmpty = false
  /** Whether a second write to a name within a second is refused, as Google does. */
  limitsWrites = false
  /** Names whose deletion in a batch fails. */
  readonly undeletable = new Set<string>()
  /** Its clock, which stands still. */
  nowMs = Date.now()
  readonly requests: { readonly method: string, readonly url: string, readonly headers: IncomingHttpHeaders }[] = []
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, Upload>()
  #generation = 1_700_000_000_000_000

  static async start (): Promise<FakeGcs> { return await new FakeGcs().listen() }

  protected override async take (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => undefined) as Buffer[] | undefined
    if (chunks === undefined) return
    const { headers, method = '', url = '' } = request
    this.requests.push({ method, url, headers })
    response.setHeader('date', new Date(this.nowMs).toUTCString())
    response.setHeader('x-guploader-uploadid', 'AFakeUploadId')
    const call = { request, response, url: new URL(url, 'http://fake'), body: Buffer.concat(chunks) }
    if (this.token !== undefined && headers.authorization !== `Bearer ${this.token}`) { refuse(response, 401, 'authError', 'Invalid Credentials'); return }
    this.#route(call)
  }

  #route (call: Call): void {
    const { request: { method = '' }, response, url: { pathname, searchParams } } = call
    if (pathname === '/batch/storage/v1') { this.#batch(call); return }
    const json = /^(?:\/upload|\/download)?\/storage\/v1\/b\/([^/]+)(?:\/(o|iam\/testPermissions)(?:\/([^/]+))?)?$/.exec(pathname)
    const xml = /^\/([^/]+)(?:\/(.+))?$/.exec(pathname)
    const bucket = json?.[1] ?? xml?.[1]
    if (bucket !== this.bucket) { refuse(response, 404, 'notFound', 'The specified bucket does not exist.'); return }
    if (json === null) { this.#xml(call, xml?.[2] === undefined ? undefined : decodeURIComponent(xml[2])); return }
    const [, , kind, encoded] = json
    if (kind === undefined) { answer(response, this.settings); return }
    if (kind !== 'o') { answer(response, { permissions: searchParams.getAll('permissions').filter(permission => this.permissions.includes(permission)) }); return }
    if (encoded === undefined) {
      if (method === 'POST') this.#insert(call)
      else this.#list(response, searchParams)
      return
    }
    const name = decodeURIComponent(encoded)
    const stored = this.objects.get(name)
    if (stored === undefined) {
      if (searchParams.get('alt') === 'media') response.writeHead(404, { 'content-type': 'text/html' }).end(`No such object: ${bucket}/${name}`)
      else refuse(response, 404, 'notFound', `No such object: ${bucket}/${name}`)
    } else if (method === 'DELETE') {
      this.objects.delete(name)
      response.writeHead(204).end()
    } else if (searchParams.get('alt') === 'media') {
      this.#media(call.request, response, stored)
    } else {
      answer(response, describe(name, stored))
    }
  }

  #insert ({ body, request, response, url: { searchParams } }: Call): void {
    const boundary = /boundary="?([^";]+)"?/.exec(request.headers['content-type'] ?? '')?.[1]
    if (searchParams.get('uploadType') !== 'multipart' || boundary === undefined) { refuse(response, 400, 'invalid', 'this double takes uploadType=multipart alone'); return }
    const [about, data] = relatedParts(body, boundary)
    const told = JSON.parse(about!.content.toString()) as { readonly name?: string, readonly crc32c?: string, readonly metadata?: Record<string, string>, readonly contentType?: string }
    const bytes = data!.content
    const actual = base64Of(crc32c(bytes))
    if (told.crc32c !== undefined && told.crc32c !== actual) { refuse(response, 400, 'invalid', `Provided CRC32C "${told.crc32c}" doesn't match calculated CRC32C "${actual}".`); return }
    const name = searchParams.get('name') ?? told.name ?? ''
    const existing = this.objects.get(name)
    if (searchParams.has('ifGenerationMatch') && searchParams.get('ifGenerationMatch') !== String(existing?.generation ?? 0)) {
      refuse(response, 412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.')
      return
    }
    if (this.limitsWrites && existing !== undefined && this.nowMs - existing.createdMs < 1000) {
      refuse(response, 429, 'rateLimitExceeded', `The object ${this.bucket}/${name} exceeded the rate limit for object mutation operations (create, update, and delete).`)
      return
    }
    answer(response, describe(name, this.#store(name, bytes, told.metadata ?? {}, told.contentType)))
  }

  #store (name: string, bytes: Buffer, metadata: Readonly<Record<string, string>>, contentType = 'application/octet-stream'): Stored {
    const stored = { bytes: Buffer.from(bytes), generation: ++this.#generation, createdMs: this.nowMs, metadata, contentType }
    this.objects.set(name, stored)
    return stored
  }

  #media (request: IncomingMessage, response: ServerResponse, { bytes, generation }: Stored): void {
    const headers = {
      'x-goog-generation': String(generation), 'x-goog-stored-content-length': String(bytes.length), 'x-goog-stored-content-encoding': 'identity', 'content-type': 'application/octet-stream',
      'x-goog-hash': `crc32c=${base64Of(crc32c(bytes))},md5=${createHash('md5').update(bytes).digest('base64')}`
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    if (range === null) { response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes); return }
    const start = Number(range[1])
    const end = Math.min(bytes.length, range[2] === '' ? Infinity : Number(range[2]) + 1)
    if (start >= bytes.length) { response.writeHead(416).end('Request range not satisfiable'); return }
    response.writeHead(206, { ...headers, 'content-length': end - start, 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }).end(bytes.subarray(start, end))
  }

  /** Tokens are names to go on from, in base64. */
  #list (response: ServerResponse, query: URLSearchParams): void {
    const prefix = query.get('prefix') ?? ''
    const token = query.get('pageToken')
    const from = token !== null ? Buffer.from(token, 'base64').toString() : query.get('startOffset') ?? ''
    if (this.startsEmpty && token === null) { answer(response, { kind: 'storage#objects', nextPageToken: Buffer.from(from).toString('base64') || 'AA==' }); return }
    const names = [...this.objects.keys()].filter(name => name.startsWith(prefix) && compare(name, from === '\0' ? '' : from) >= 0).sort(compare)
    const page = names.slice(0, Math.min(Number(query.get('maxResults') ?? 1000), this.pageMax))
    const next = names[page.length]
    answer(response, { kind: 'storage#objects', items: page.map(name => describe(name, this.objects.get(name)!)), ...next === undefined ? {} : { nextPageToken: Buffer.from(next).toString('base64') } })
  }

  #batch ({ body, request, response }: Call): void {
    const boundary = /boundary=([^;]+)/.exec(request.headers['content-type'] ?? '')![1]!
    const calls = body.toString().split(`--${boundary}`).filter(part => part.includes('DELETE '))
    if (calls.length > 100) { refuse(response, 400, 'invalid', 'The batch request exceeds the maximum number of calls.'); return }
    const answers = calls.map(part => {
      const id = /content-id: <([^>]+)>/i.exec(part)![1]!
      const [, bucket, encoded] = /DELETE \/storage\/v1\/b\/([^/]+)\/o\/(\S+) HTTP\/1\.1/.exec(part)!
      const name = decodeURIComponent(encoded!)
      const failed = bucket !== this.bucket ? problem(404, 'notFound', 'The specified bucket does not exist.')
        : this.undeletable.has(name) ? problem(503, 'backendError', 'Backend Error')
          : this.objects.delete(name) ? undefined : problem(404, 'notFound', `No such object: ${bucket}/${name}`)
      const inner = failed === undefined ? 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n' : `HTTP/1.1 ${failed.error.code} Problem\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(failed, undefined, 1)}`
      return `--batch_x\r\ncontent-type: application/http\r\ncontent-id: <response-${id}>\r\n\r\n${inner}\r\n`
    })
    // In an order of its own, which the service is free to choose.
    response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=batch_x' }).end(`${answers.reverse().join('')}--batch_x--\r\n`)
  }

  #xml ({ body, request: { headers, method = '' }, response, url: { searchParams } }: Call, name: string | undefined): void {
    const uploadId = searchParams.get('uploadId')
    if (name === undefined) { this.#listUploads(response, searchParams); return }
    if (method === 'HEAD') {
      const stored = this.objects.get(name)
      response.writeHead(stored === undefined ? 404 : 200, { 'x-goog-generation': String(stored?.generation) }).end()
      return
    }
    if (uploadId === null) {
      const id = `upload-${++this.#generation}`
      const metadata = Object.fromEntries(Object.entries(headers).filter(([header]) => header.startsWith('x-goog-meta-')).map(([header, value]) => [header.slice(12), String(value)]))
      this.uploads.set(id, { name, metadata, startedMs: this.nowMs, parts: new Map() })
      response.writeHead(200).end(`<?xml version='1.0' encoding='UTF-8'?><InitiateMultipartUploadResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
      return
    }
    const upload = this.uploads.get(uploadId)
    if (upload === undefined || upload.name !== name) { refuseXml(response, 404, 'NoSuchUpload'); return }
    if (method === 'PUT') {
      if (headers['x-goog-hash'] !== undefined && headers['x-goog-hash'] !== `crc32c=${base64Of(crc32c(body))}`) { refuseXml(response, 400, 'BadDigest'); return }
      const etag = `"${createHash('md5').update(body).digest('hex')}"`
      upload.parts.set(Number(searchParams.get('partNumber')), { bytes: body, etag })
      response.writeHead(200, { etag }).end()
    } else if (method === 'DELETE') {
      this.uploads.delete(uploadId)
      response.writeHead(204).end()
    } else {
      const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag>/g)]
      const parts = named.map(([, number, etag]) => ({ part: upload.parts.get(Number(number)), etag: etag!.replaceAll('&#34;', '"') }))
      if (parts.some(({ etag, part }) => part?.etag !== etag)) { refuseXml(response, 400, 'InvalidPart'); return }
      const { generation } = this.#store(name, Buffer.concat(parts.map(({ part }) => part!.bytes)), upload.metadata)
      this.uploads.delete(uploadId)
      response.writeHead(200, { 'x-goog-generation': String(generation) }).end('<CompleteMultipartUploadResult/>')
    }
  }

  /** Two to a page, so that pages are turned. */
  #listUploads (response: ServerResponse, query: URLSearchParams): void {
    const marker = query.get('upload-id-marker') ?? ''
    const all = [...this.uploads].filter(([id, { name }]) => name.startsWith(query.get('prefix') ?? '') && id > marker).sort(([left], [right]) => compare(left, right))
    const page = all.slice(0, 2)
    const last = page.at(-1)
    const told = page.map(([id, { name, startedMs }]) => `<Upload><Key>${xmlEscaped(name)}</Key><UploadId>${id}</UploadId><Initiated>${new Date(startedMs).toISOString()}</Initiated></Upload>`)
    const next = all.length > page.length ? `<NextKeyMarker>${xmlEscaped(last![1].name)}</NextKeyMarker><NextUploadIdMarker>${last![0]}</NextUploadIdMarker><IsTruncated>true</IsTruncated>` : '<IsTruncated>false</IsTruncated>'
    response.writeHead(200).end(`<?xml version='1.0'?><ListMultipartUploadsResult>${next}${told.join('')}</ListMultipartUploadsResult>`)
  }
}

function describe (name: string, { bytes, contentType, createdMs, generation, metadata }: Stored): object {
  return { kind: 'storage#object', name, size: String(bytes.length), generation: String(generation), timeCreated: new Date(createdMs).toISOString(), metadata, contentType, crc32c: base64Of(crc32c(bytes)) }
}

function relatedParts (body: Buffer, boundary: string): readonly { readonly content: Buffer }[] {
  const parts = []
  const line = Buffer.from(`--${boundary}`)
  for (let at = body.indexOf(line); at >= 0;) {
    const next = body.indexOf(`\r\n--${boundary}`, at + line.length)
    if (next < 0) break
    parts.push({ content: body.subarray(body.indexOf('\r\n\r\n', at) + 4, next) })
    at = next + 2
  }
  return parts
}

function problem (code: number, reason: string, message: string): { readonly error: { readonly code: number, readonly message: string, readonly errors: readonly object[] } } {
  return { error: { code, message, errors: [{ message, domain: 'global', reason }] } }
}

function answer (response: ServerResponse, value: object): void { response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(value)) }
function refuse (response: ServerResponse, status: number, reason: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(problem(status, reason, message)))
}
function refuseXml (response: ServerResponse, status: number, code: string): void { response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>no</Message></Error>`) }
function compare (left: string, right: string): number { return Buffer.compare(Buffer.from(left), Buffer.from(right)) }

function base64Of (crc: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}
