// A double of Azure Blob Storage at the level of its wire, for tests: blobs put in one request, listings, batch deletion; and accounts with a hierarchical
// namespace, whose folders are listed. What it does not do: check signatures, blocks, versions, tiers, leases, immutability, consistency among
// servers (it is one process).
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { LoopbackServer, giveBytes } from '../../../conformance/test/loopback-server.ts'

interface Stored { readonly bytes: Buffer, readonly etag: string, readonly modifiedMs: number, readonly metadata: Readonly<Record<string, string>> }
interface Call { readonly request: IncomingMessage, readonly response: ServerResponse, readonly name: string, readonly query: URLSearchParams, readonly body: Buffer }

const statusByCode: Readonly<Record<string, number>> = { ContainerNotFound: 404, BlobNotFound: 404, BlobAlreadyExists: 409, InvalidRange: 416, Md5Mismatch: 400 }
const requestId = { 'x-ms-request-id': 'b67c2d0c-301e-0089-0f2c-000000000000', 'x-ms-version': '2026-04-06' }

export class FakeAzure extends LoopbackServer {
  readonly account = 'account'
  readonly container = 'fake-container'
  /** Names whose deletion in a batch fails, and names of which its answer says nothing. */
  readonly undeletable = new Set<string>()
  readonly unmentioned = new Set<string>()
  /** Its clock, which stands still. */
  nowMs = Date.now()
  readonly objects = new Map<string, Stored>()
  #count = 0

  static async start (): Promise<FakeAzure> { return await new FakeAzure().listen() }

  /** Puts a blob there that no plugin of ours wrote. */
  put (name: string, bytes: Buffer, metadata: Readonly<Record<string, string>> = {}): Stored {
    const stored = { bytes: Buffer.from(bytes), etag: `"0x8D${String(++this.#count).padStart(13, '0')}"`, modifiedMs: this.nowMs, metadata }
    this.objects.set(name, stored)
    return stored
  }

  protected override async take (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => undefined) as Buffer[] | undefined
    if (chunks === undefined) return
    for (const [header, value] of Object.entries({ ...requestId, date: new Date(this.nowMs).toUTCString() })) response.setHeader(header, value)
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake')
    const [, container, ...name] = pathname.split('/')
    const problem = container === this.container ? this.#answer({ request, response, name: decodeURIComponent(name.join('/')), query: searchParams, body: Buffer.concat(chunks) }) : 'ContainerNotFound'
    if (problem === undefined) return
    const text = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${problem}</Code><Message>no</Message></Error>`
    response.writeHead(statusByCode[problem]!, { 'content-type': 'application/xml', 'x-ms-error-code': problem }).end(request.method === 'HEAD' ? undefined : text)
  }

  /** Answers, or gives the code of the error to answer with. */
  #answer (call: Call): string | undefined {
    const { body, name, query, request: { headers, method }, response } = call
    if (query.get('comp') === 'list') { this.#list(response, query); return undefined }
    if (query.get('comp') === 'batch') { this.#batch(call); return undefined }
    if (name === '') {
      response.writeHead(200, { etag: '"0x1"', 'last-modified': new Date(this.nowMs).toUTCString() }).end()
      return undefined
    }
    if (method === 'PUT') {
      const md5 = headers['x-ms-blob-content-md5'] ?? headers['content-md5']
      if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) return 'Md5Mismatch'
      if (headers['if-none-match'] === '*' && this.objects.has(name)) return 'BlobAlreadyExists'
      const metadata = Object.fromEntries(Object.entries(headers).flatMap(([header, value]) => header.startsWith('x-ms-meta-') ? [[header.slice(10), String(value)]] : []))
      const { etag, modifiedMs } = this.put(name, body, metadata)
      response.writeHead(201, { etag, 'last-modified': new Date(modifiedMs).toUTCString() }).end()
      return undefined
    }
    const stored = this.objects.get(name)
    return stored === undefined ? 'BlobNotFound' : give(call, stored)
  }

  /** Markers are names to go on from, in base64. */
  #list (response: ServerResponse, query: URLSearchParams): void {
    const prefix = query.get('prefix') ?? ''
    const from = Buffer.from(query.get('marker') ?? '', 'base64').toString()
    const names = [...this.objects.keys()].filter(name => name.startsWith(prefix) && compare(name, from) >= 0).sort(compare)
    const page = names.slice(0, Number(query.get('maxresults') ?? 5000))
    const next = names[page.length]
    const tellsMetadata = query.get('include')?.includes('metadata') === true
    const blobs = page.map(name => {
      const { bytes, etag, metadata, modifiedMs } = this.objects.get(name)!
      const told = tellsMetadata ? `<Metadata>${Object.entries(metadata).map(([key, value]) => `<${key}>${xmlEscaped(value)}</${key}>`).join('')}</Metadata>` : ''
      return `<Blob><Name>${xmlEscaped(name)}</Name><Properties><Last-Modified>${new Date(modifiedMs).toUTCString()}</Last-Modified><Etag>${etag.replaceAll('"', '')}</Etag><Content-Length>${bytes.length}</Content-Length><BlobType>BlockBlob</BlobType></Properties>${told}</Blob>`
    })
    const marker = next === undefined ? '<NextMarker/>' : `<NextMarker>${Buffer.from(next).toString('base64')}</NextMarker>`
    const text = `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="${this.endpoint}/" ContainerName="${this.container}"><Prefix>${xmlEscaped(prefix)}</Prefix><Blobs>${blobs.join('')}</Blobs>${marker}</EnumerationResults>`
    response.writeHead(200, { 'content-type': 'application/xml' }).end(text)
  }

  #batch ({ body, request, response }: Call): void {
    const boundary = /boundary=([^;]+)/.exec(request.headers['content-type'] ?? '')![1]!
    const calls = body.toString().split(`--${boundary}`).filter(part => part.includes('DELETE '))
    const answers = calls.flatMap(part => {
      const id = /content-id: (\d+)/i.exec(part)![1]!
      const [, path] = /DELETE (\S+) HTTP\/1\.1/.exec(part)!
      const name = decodeURIComponent(new URL(path!, 'http://fake').pathname.split('/').slice(2).join('/'))
      if (this.unmentioned.has(name)) return []
      const [status, code] = this.undeletable.has(name) ? ['403 Forbidden', 'AuthorizationFailure'] : this.objects.delete(name) ? ['202 Accepted', ''] : ['404 The specified blob does not exist.', 'BlobNotFound']
      const error = code === '' ? '' : `x-ms-error-code: ${code}\r\n`
      return [`--batchresponse_x\r\nContent-Type: application/http\r\nContent-ID: ${id}\r\n\r\nHTTP/1.1 ${status}\r\n${error}x-ms-request-id: 1\r\nx-ms-version: 2026-04-06\r\n\r\n`]
    })
    response.writeHead(202, { 'content-type': 'multipart/mixed; boundary=batchresponse_x' }).end(`${answers.join('')}--batchresponse_x--\r\n`)
  }
}

/** A blob, or what is told of it. */
function give ({ request: { headers: asked, method }, response }: Call, { bytes, etag, metadata, modifiedMs }: Stored): string | undefined {
  const headers = {
    ...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`x-ms-meta-${key}`, value])),
    etag, 'last-modified': new Date(modifiedMs).toUTCString(), 'content-type': 'application/octet-stream', 'x-ms-blob-type': 'BlockBlob'
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(String(asked['x-ms-range'] ?? asked.range ?? ''))
  const sum: Readonly<Record<string, string>> = range === null ? { 'content-md5': createHash('md5').update(bytes).digest('base64') } : {}
  return giveBytes(response, { method, headers: { ...headers, ...sum }, bytes, range })
}

/** As Azure writes it: the SDK reads no other references. */
function xmlEscaped (text: string): string { return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') }
function compare (left: string, right: string): number { return Buffer.compare(Buffer.from(left), Buffer.from(right)) }
