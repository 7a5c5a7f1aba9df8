// A double of S3 at the level of its wire, for tests: objects, listings, batch deletion, uploads in parts; and the ways in which services that imitate
// S3 differ. What it does not do: check signatures, keep versions, classes, encryption, regions, bucket in the host name, consistency among servers
// (it is one process).
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { xmlElements, xmlEscaped, xmlText } from '@streambed/sdk/remote'
import { LoopbackServer, giveBytes } from '../../../conformance/test/loopback-server.ts'

interface Stored { readonly bytes: Buffer, readonly etag: string, readonly modifiedMs: number, readonly headers: Readonly<Record<string, string>> }
interface Upload { readonly name: string, readonly headers: Readonly<Record<string, string>>, readonly startedMs: number, readonly parts: Map<number, { readonly bytes: Buffer, readonly etag: string }> }
interface Call { readonly request: IncomingMessage, readonly response: ServerResponse, readonly name: string, readonly query: URLSearchParams, readonly body: Buffer }

const statusByCode: Readonly<Record<string, number>> = {
  NoSuchBucket: 404, NoSuchKey: 404, NoSuchUpload: 404, PreconditionFailed: 412, InvalidRange: 416, BadDigest: 400, MissingContentMD5: 400, InvalidRequest: 400, InvalidPart: 400, AccessDenied: 403, AuthorizationHeaderMalformed: 400
}

export class FakeS3 extends LoopbackServer {
  readonly bucket = 'fake-bucket'
  /** The region that requests must be signed for; undefined takes any. */
  region: string | undefined
  /** Whether the bucket is another account's, and set to Requester Pays. */
  isPaidByRequester = false
  /** Whether answers bear S3's own headers; those of some services (Cloudflare R2, Garage) do not. */
  tellsRequestIds = true
  /** Whether batch deletions are refused without `Content-MD5`, as services do that were written before there were other checksums. */
  wantsMd5 = false
  /** Whether listings take no notice of `start-after`. */
  ignoresStartAfter = false
  /** Names whose deletion in a batch fails, and names of which its answer says nothing. */
  readonly undeletable = new Set<string>()
  readonly unmentioned = new Set<string>()
  /** Its clock, which stands still. */
  nowMs = Date.now()
  readonly requests: { readonly method: string, readonly url: string, readonly headers: IncomingHttpHeaders }[] = []
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, Upload>()
  #count = 0

  static async start (): Promise<FakeS3> { return await new FakeS3().listen() }

  /** Puts an object there that no plugin of ours wrote. */
  put (name: string, bytes: Buffer): void { this.#store(name, bytes, {}, md5Of(bytes)) }

  protected override async take (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => undefined) as Buffer[] | undefined
    if (chunks === undefined) return
    const { headers, method = '', url = '' } = request
    this.requests.push({ method, url, headers })
    response.setHeader('date', new Date(this.nowMs).toUTCString())
    if (this.tellsRequestIds) response.setHeader('x-amz-request-id', '4442587FB7D0A2F9')
    const { pathname, searchParams } = new URL(url, 'http://fake')
    const [, bucket, ...name] = pathname.split('/')
    const signedFor = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1]
    const refusal = this.region !== undefined && signedFor !== this.region ? 'AuthorizationHeaderMalformed' : this.isPaidByRequester ? 'AccessDenied' : undefined
    if (refusal === 'AuthorizationHeaderMalformed') response.setHeader('x-amz-bucket-region', this.region!)
    const problem = refusal !== undefined ? refusal : bucket === this.bucket ? this.#answer({ request, response, name: decodeURIComponent(name.join('/')), query: searchParams, body: Buffer.concat(chunks) }) : 'NoSuchBucket'
    if (problem === undefined) return
    response.writeHead(statusByCode[problem]!, { 'content-type': 'application/xml' }).end(method === 'HEAD' ? undefined : errorXml(problem))
  }

  /** Answers, or gives the code of the error to answer with. */
  #answer (call: Call): string | undefined {
    const { body, name, query, request: { headers, method = '' }, response } = call
    const md5 = headers['content-md5']
    if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) return 'BadDigest'
    if (name === '') return this.#ofBucket(call)
    if (query.has('uploads') || query.has('uploadId')) return this.#ofUpload(call)
    switch (method) {
      case 'PUT':
        if (headers['if-none-match'] === '*' && this.objects.has(name)) return 'PreconditionFailed'
        response.writeHead(200, { etag: `"${this.#store(name, body, headers, md5Of(body)).etag}"` }).end()
        return undefined
      case 'DELETE':
        this.objects.delete(name)
        response.writeHead(204).end()
        return undefined
      default: {
        const stored = this.objects.get(name)
        return stored === undefined ? 'NoSuchKey' : give(call, stored)
      }
    }
  }

  #store (name: string, bytes: Buffer, headers: IncomingHttpHeaders, etag: string): Stored {
    const kept = Object.fromEntries(Object.entries(headers).flatMap(([header, value]) => header.startsWith('x-amz-meta-') ? [[header, String(value)]] : []))
    const stored = { bytes: Buffer.from(bytes), etag, modifiedMs: this.nowMs, headers: kept }
    this.objects.set(name, stored)
    return stored
  }

  #ofBucket ({ body, query, request: { headers, method }, response }: Call): string | undefined {
    if (method === 'POST' && query.has('delete')) {
      if (this.wantsMd5 && headers['content-md5'] === undefined) return 'MissingContentMD5'
      if (headers['content-md5'] === undefined && headers['x-amz-checksum-crc32'] === undefined) return 'InvalidRequest'
      this.#deleteMany(response, body.toString())
    } else if (query.has('uploads')) {
      this.#listUploads(response, query)
    } else if (query.has('list-type')) {
      this.#list(response, query)
    } else {
      say(response, '<Configuration></Configuration>')
    }
    return undefined
  }

  #list (response: ServerResponse, query: URLSearchParams): void {
    const prefix = query.get('prefix') ?? ''
    const token = query.get('continuation-token')
    const after = token !== null ? Buffer.from(token, 'base64').toString() : this.ignoresStartAfter ? '' : query.get('start-after') ?? ''
    const names = [...this.objects.keys()].filter(name => name.startsWith(prefix) && compare(name, after) > 0).sort(compare)
    const page = names.slice(0, Number(query.get('max-keys') ?? 1000))
    const contents = page.map(name => {
      const { bytes, etag, modifiedMs } = this.objects.get(name)!
      return `<Contents><Key>${xmlEscaped(name)}</Key><LastModified>${new Date(modifiedMs).toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`
    })
    const isTruncated = page.length < names.length
    const next = isTruncated ? `<NextContinuationToken>${Buffer.from(page.at(-1)!).toString('base64')}</NextContinuationToken>` : ''
    say(response, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${this.bucket}</Name><Prefix>${xmlEscaped(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`)
  }

  #deleteMany (response: ServerResponse, xml: string): void {
    const answers = xmlElements(xml, 'Object').map(object => xmlText(object, 'Key')!).map(name => {
      if (this.undeletable.has(name)) return `<Error><Key>${xmlEscaped(name)}</Key><Code>AccessDenied</Code><Message>no</Message></Error>`
      if (this.unmentioned.has(name)) return ''
      this.objects.delete(name)
      return `<Deleted><Key>${xmlEscaped(name)}</Key></Deleted>`
    })
    say(response, `<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${answers.join('')}</DeleteResult>`)
  }

  #ofUpload ({ body, name, query, request: { headers, method }, response }: Call): string | undefined {
    const id = query.get('uploadId')
    if (id === null) {
      const uploadId = `UPLOAD${String(++this.#count).padStart(8, '0')}`
      this.uploads.set(uploadId, { name, headers: headers as Readonly<Record<string, string>>, startedMs: this.nowMs, parts: new Map() })
      say(response, `<InitiateMultipartUploadResult><Bucket>${this.bucket}</Bucket><Key>${xmlEscaped(name)}</Key><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`)
      return undefined
    }
    const upload = this.uploads.get(id)
    if (upload?.name !== name) return 'NoSuchUpload'
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), { bytes: body, etag: md5Of(body) })
      response.writeHead(200, { etag: `"${md5Of(body)}"` }).end()
    } else if (method === 'DELETE') {
      this.uploads.delete(id)
      response.writeHead(204).end()
    } else {
      const named = xmlElements(body.toString(), 'Part').map(part => ({ etag: xmlText(part, 'ETag')!.replaceAll('"', ''), part: upload.parts.get(Number(xmlText(part, 'PartNumber'))) }))
      if (named.some(({ etag, part }) => part?.etag !== etag)) return 'InvalidPart'
      if (headers['if-none-match'] === '*' && this.objects.has(name)) return 'PreconditionFailed'
      const etag = `${createHash('md5').update(named.map(({ etag: tag }) => tag).join()).digest('hex')}-${named.length}`
      this.#store(name, Buffer.concat(named.map(({ part }) => part!.bytes)), upload.headers, etag)
      this.uploads.delete(id)
      say(response, `<CompleteMultipartUploadResult><Bucket>${this.bucket}</Bucket><Key>${xmlEscaped(name)}</Key><ETag>&quot;${etag}&quot;</ETag></CompleteMultipartUploadResult>`)
    }
    return undefined
  }

  /** Two to a page, so that pages are turned. */
  #listUploads (response: ServerResponse, query: URLSearchParams): void {
    const all = [...this.uploads].filter(([id, { name }]) => name.startsWith(query.get('prefix') ?? '') && id > (query.get('upload-id-marker') ?? '')).sort(([left], [right]) => compare(left, right))
    const page = all.slice(0, 2)
    const [lastId, last] = page.at(-1) ?? ['', { name: '' }]
    const told = page.map(([id, { name, startedMs }]) => `<Upload><Key>${xmlEscaped(name)}</Key><UploadId>${id}</UploadId><Initiated>${new Date(startedMs).toISOString()}</Initiated></Upload>`)
    say(response, `<ListMultipartUploadsResult><NextKeyMarker>${xmlEscaped(last.name)}</NextKeyMarker><NextUploadIdMarker>${lastId}</NextUploadIdMarker><IsTruncated>${all.length > page.length}</IsTruncated>${told.join('')}</ListMultipartUploadsResult>`)
  }
}

export function errorXml (code: string): string { return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>` }

/** An object, or what is told of it. */
function give ({ request: { headers: asked, method }, response }: Call, { bytes, etag, headers: kept, modifiedMs }: Stored): string | undefined {
  const headers = { ...kept, etag: `"${etag}"`, 'last-modified': new Date(modifiedMs).toUTCString(), 'content-type': 'application/octet-stream' }
  const range = /^bytes=(\d+)-(\d+)$/.exec(asked.range ?? '')
  return giveBytes(response, { method, headers, bytes, range })
}

function say (response: ServerResponse, xml: string): void { response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`) }
function md5Of (bytes: Buffer): string { return createHash('md5').update(bytes).digest('hex') }
function compare (left: string, right: string): number { return Buffer.compare(Buffer.from(left), Buffer.from(right)) }
