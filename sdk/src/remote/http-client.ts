import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { readBody } from './body.ts'

export interface HttpCall {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Scheme, host and port. */
  readonly origin: URL
  /** Path and query, encoded, from its `/`. Sent as it is: URLs would resolve its dots. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The body, sent back to back with its length in front; not copied. */
  readonly pieces?: readonly Uint8Array[]
  /** Ends the request, and frees its socket, at any time before the answer is whole. */
  readonly signal: AbortSignal
  /** A longer answer fails before it is read. */
  readonly answerBytesMax: number
  /** Told how many bytes of the answer's body have come. */
  readonly onBytes?: (count: number) => void
}

export interface HttpAnswer {
  readonly status: number
  /** By lower-case names. */
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** An answer with a status of 300 or more. */
export class HttpStatusError extends Error {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array

  constructor ({ body, headers, status }: HttpAnswer) {
    super(`the service answered with status ${status}`)
    this.status = status
    this.headers = headers
    this.body = body
  }

  /** The start of the body, for tables of errors. */
  get text (): string { return new TextDecoder().decode(this.body.subarray(0, errorTextBytesMax)) }
}

const errorTextBytesMax = 64 * 1024

/**
 * Requests over HTTP for a driver whose cloud's own client cannot be held to the contract (decision 009): one request
 * a call over connections that are kept, bodies that are not copied, a signal that frees the socket at any point. No
 * retries, no redirects, no deadlines: `RemoteObjectStore` and the host have those. Rejects with `HttpStatusError`, or
 * with Node's own error where no answer came whole.
 */
export class HttpClient {
  readonly #http: HttpAgent
  readonly #https: HttpsAgent

  /** `idleMs`: connections that nobody used for so long are closed, before the service does, whose closing a request could meet. */
  constructor ({ connectionsMax, idleMs = 15_000 }: { readonly connectionsMax: number, readonly idleMs?: number }) {
    const limits = { keepAlive: true, maxSockets: connectionsMax, timeout: idleMs }
    this.#http = new HttpAgent(limits)
    this.#https = new HttpsAgent(limits)
  }

  async send (call: HttpCall): Promise<HttpAnswer> {
    const { answerBytesMax, method, onBytes, pieces = [], signal } = call
    signal.throwIfAborted()
    const request = this.#open(call)
    const { promise: response, reject, resolve } = Promise.withResolvers<IncomingMessage>()
    request.on('response', resolve)
    request.on('error', reject)
    const onAbort = (): void => {
      const error = new Error('the call was aborted')
      // A request that waits for a connection says nothing before it has one.
      reject(error)
      request.destroy(error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    let isWhole = false
    try {
      for (const piece of pieces) request.write(piece)
      request.end()
      const { headers, statusCode: status = 0 } = await response
      const body = method === 'HEAD' ? await drained(await response) : await readBody(await response, sizeIn(headers['content-length']), answerBytesMax, onBytes)
      isWhole = request.writableFinished
      if (status >= 300) throw new HttpStatusError({ status, headers, body })
      return { status, headers, body }
    } finally {
      signal.removeEventListener('abort', onAbort)
      // An answer before the body was sent, or one not read to its end, leaves a connection that is good for nothing.
      if (!isWhole) request.destroy()
    }
  }

  close (): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  #open ({ headers, method, origin, path, pieces }: HttpCall): ClientRequest {
    const length = pieces?.reduce((sum, piece) => sum + piece.length, 0)
    const options = {
      method, path, hostname: origin.hostname.replace(/^\[|\]$/g, ''), port: origin.port === '' ? undefined : origin.port,
      headers: length === undefined ? headers : { ...headers, 'content-length': String(length) }
    }
    return origin.protocol === 'http:' ? httpRequest({ ...options, agent: this.#http }) : httpsRequest({ ...options, agent: this.#https })
  }
}

function sizeIn (contentLength: string | undefined): number | undefined { return contentLength === undefined ? undefined : Number(contentLength) }

async function drained (response: IncomingMessage): Promise<Uint8Array> {
  for await (const _ of response) { /* there is none */ }
  return new Uint8Array()
}
