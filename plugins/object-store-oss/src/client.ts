import type { Clock } from '@streambed/sdk'
import { HttpClient, checkMark, wholeXml, type HttpAnswer, type HttpCall } from '@streambed/sdk/remote'
import { createHash } from 'node:crypto'
import { credentialsOf, type Credentials } from './credentials.ts'
import { isExpiry, marks } from './errors.ts'
import type { OssOptions } from './options.ts'
import { pathOf, queryOf, signedHeaders } from './signature.ts'

interface OssCall extends Pick<HttpCall, 'method' | 'onBytes' | 'pieces' | 'signal'> {
  /** Undefined: the bucket itself. */
  readonly name?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: HttpCall['headers']
  readonly answerBytesMax?: number
}

/** More than any answer but an object's bytes: 1,000 names of 1,023 bytes, escaped, and what is told of each. */
const answerBytesMax = 32 * 1024 * 1024

/** Requests to OSS, signed; they are our own, since its client cannot be held to the contract (decision 009). */
export class OssClient {
  readonly #http: HttpClient
  readonly #origin: URL
  readonly #options: OssOptions
  readonly #credentials: Credentials
  readonly #clock: Clock

  constructor (options: OssOptions, clock: Clock, credentials: Credentials = credentialsOf(options, clock)) {
    this.#http = new HttpClient(options)
    this.#origin = originOf(options)
    this.#options = options
    this.#clock = clock
    this.#credentials = credentials
  }

  async send ({ answerBytesMax: bytesMax = answerBytesMax, headers = {}, method, name, onBytes, pieces, query = {}, signal }: OssCall): Promise<HttpAnswer> {
    const { bucket, pathStyle, region } = this.#options
    const keys = await this.#credentials.keys()
    const signed = signedHeaders({ method, bucket, name, query, headers }, keys, { nowMs: this.#clock.wallMs(), region })
    const path = pathStyle ? pathOf(bucket, name) : pathOf(bucket, name).slice(bucket.length + 1)
    const queryText = queryOf(query)
    try {
      return await this.#http.send({ method, origin: this.#origin, path: queryText === '' ? path : `${path}?${queryText}`, headers: signed, signal, answerBytesMax: bytesMax, ...pieces === undefined ? {} : { pieces }, ...onBytes === undefined ? {} : { onBytes } })
    } catch (error) {
      if (isExpiry(error)) this.#credentials.expired()
      throw error
    }
  }

  /** The answer to a request about an object, which bears OSS's own headers. */
  async sendOfObject (call: OssCall): Promise<HttpAnswer> {
    const answer = await this.send(call)
    checkMark(answer, marks)
    return answer
  }

  /** The answer to a request whose answer is XML, one element `<root>`. */
  async ask (root: string, call: OssCall): Promise<string> { return wholeXml(await this.send(call), root) }

  close (): void { this.#http.close() }
}

/** The header by which the service checks bytes before it stores them. */
export function md5Header (pieces: readonly Uint8Array[]): Readonly<Record<string, string>> {
  const hash = createHash('md5')
  for (const piece of pieces) hash.update(piece)
  return { 'content-md5': hash.digest('base64') }
}

/** The bucket is part of the host name, unless the path holds it. */
export function originOf ({ bucket, endpoint, internal, pathStyle, region }: OssOptions): URL {
  const origin = new URL(endpoint ?? `https://oss-${region}${internal ? '-internal' : ''}.aliyuncs.com`)
  if (!pathStyle) origin.hostname = `${bucket}.${origin.hostname}`
  return origin
}
