// Stands before a double of a service and answers oddly in its place: for the calls it is told to, the true answer is exchanged for another.
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { LoopbackServer } from '../loopback-server.ts'

export type Call = 'get' | 'head' | 'list' | 'put' | 'delete' | 'start' | 'part' | 'complete' | 'other'

/** An answer, as it goes over the wire. Headers by lower-case names; without `content-length` a body is sent in chunks. */
export interface Answer { readonly status: number, readonly headers: Readonly<Record<string, string>>, readonly body: Buffer }

/** What befalls an answer: another in its place, or no whole one. */
export type Odd =
  | { readonly kind: 'answer', readonly answer: Answer }
  /** Bytes that need not be HTTP, then the end of the connection. */
  | { readonly kind: 'raw', readonly bytes: Buffer }
  /** The connection ends when so many bytes of the body are sent; orderly, or by a reset. */
  | { readonly kind: 'cut', readonly answer: Answer, readonly after: number, readonly isReset: boolean }
  /** So much of it comes, and then nothing more; undefined: nothing at all. */
  | { readonly kind: 'stall', readonly answer: Answer, readonly after: number | undefined }

/** What a request asks, of any of the four services. */
export function callOf ({ method = '', url = '' }: IncomingMessage): Call {
  const { pathname, searchParams: query } = new URL(url, 'http://front')
  if (query.has('uploads') && method === 'POST') return 'start'
  if (query.has('uploadId')) return method === 'PUT' ? 'part' : method === 'POST' ? 'complete' : 'other'
  if (method === 'POST' && (query.has('delete') || query.get('comp') === 'batch' || pathname.startsWith('/batch'))) return 'delete'
  if (method === 'PUT' || pathname.startsWith('/upload/')) return 'put'
  if (method === 'HEAD') return 'head'
  if (query.has('list-type') || query.get('comp') === 'list') return 'list'
  if (/^\/storage\/v1\/b\/[^/]+\/o$/.test(pathname)) return 'list'
  if (/^\/storage\/v1\/b\/[^/]+\/o\//.test(pathname)) return query.get('alt') === 'media' ? 'get' : 'head'
  // A bucket and a name; what else is asked of a bucket has no name.
  return method === 'GET' && /^\/[^/]+\/./.test(pathname) ? 'get' : 'other'
}

export const unanswered: Answer = { status: 503, headers: { 'content-length': '0' }, body: Buffer.alloc(0) }

export class OddFront extends LoopbackServer {
  /** What befalls the true answer to a call; undefined lets it pass. */
  befall: (call: Call, answer: Answer, request: IncomingMessage) => Odd | undefined = () => undefined
  /** Whether a request is handed on. What is not has no effect, and no true answer: `befall` is then given `unanswered`. */
  reaches: (call: Call) => boolean = () => true
  /** Calls that were answered oddly. */
  odd = 0
  /** Told when an answer stalls. */
  onStall: () => void = () => {}
  readonly #upstream: URL

  static async start (upstream: string): Promise<OddFront> { return await new OddFront(new URL(upstream)).listen() }

  private constructor (upstream: URL) {
    super()
    this.#upstream = upstream
  }

  protected override async take (request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    try {
      const call = callOf(request)
      const answer = this.reaches(call) ? await this.#forward(request) : await this.#keep(request)
      const odd = this.befall(call, answer, request)
      if (odd !== undefined) this.odd++
      await this.#give(odd ?? { kind: 'answer', answer }, request.method === 'HEAD', response, request.socket)
    } catch {
      // The client is gone, which is one way for these to end.
      request.socket.destroy()
    }
  }

  async #give (odd: Odd, isHead: boolean, response: ServerResponse, socket: Socket): Promise<void> {
    switch (odd.kind) {
      case 'raw':
        socket.end(odd.bytes)
        return
      case 'answer':
        response.writeHead(odd.answer.status, odd.answer.headers).end(isHead ? undefined : odd.answer.body)
        return
      case 'stall':
        if (odd.after !== undefined) await begin(response, odd.answer, odd.after)
        this.onStall()
        return
      case 'cut':
        await begin(response, odd.answer, odd.after)
        if (odd.isReset) socket.resetAndDestroy()
        else socket.end()
        return
      default:
        odd satisfies never
    }
  }

  async #keep (request: IncomingMessage): Promise<Answer> {
    await request.toArray()
    return unanswered
  }

  async #forward (request: IncomingMessage): Promise<Answer> {
    const body = Buffer.concat(await request.toArray() as Buffer[])
    const { promise, reject, resolve } = Promise.withResolvers<IncomingMessage>()
    const { hostname, port } = this.#upstream
    // The service's own address would break signatures that cover it.
    http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers, setHost: false, agent: false }, resolve).on('error', reject).end(body)
    const answer = await promise
    const bytes = Buffer.concat(await answer.toArray() as Buffer[])
    const headers = Object.fromEntries(Object.entries(answer.headers).flatMap(([name, value]) => ['connection', 'keep-alive', 'transfer-encoding'].includes(name) ? [] : [[name, String(value)]]))
    return { status: answer.statusCode!, headers: request.method === 'HEAD' || answer.statusCode === 204 ? headers : { ...headers, 'content-length': String(bytes.length) }, body: bytes }
  }
}

/** Sends the head of an answer and so many bytes of its body. */
async function begin (response: ServerResponse, { body, headers, status }: Answer, bytes: number): Promise<void> {
  response.writeHead(status, headers)
  response.flushHeaders()
  if (bytes > 0) await new Promise<void>(resolve => { response.write(body.subarray(0, bytes), () => { resolve() }) })
}
