import { HttpClient, HttpStatusError, wholeJson, type HttpAnswer, type HttpCall } from '@streambed/sdk/remote'
import { GoogleCredentials, findTokenSource, noCredentials, type Credentials } from './credentials.ts'
import { StaleToken } from './errors.ts'
import type { GcsOptions } from './options.ts'

type GcsCall = Pick<HttpCall, 'method' | 'onBytes' | 'path' | 'pieces' | 'signal'> & { readonly headers?: HttpCall['headers'], readonly answerBytesMax?: number }

/** More than any answer but an object's bytes: 1,000 names of 1,024 bytes, escaped, and what is told of each. */
const answerBytesMax = 32 * 1024 * 1024

/** Requests to Google Cloud Storage: Google's library says who we are, the requests are our own (decision 009). */
export class GcsClient {
  readonly #http: HttpClient
  readonly #origin: URL
  readonly #credentials: Credentials

  constructor (options: GcsOptions, credentials: Credentials = options.credentials === 'none' ? noCredentials : new GoogleCredentials(() => findTokenSource(options))) {
    this.#http = new HttpClient(options)
    this.#origin = new URL(options.endpoint ?? 'https://storage.googleapis.com')
    this.#credentials = credentials
  }

  async send (call: GcsCall): Promise<HttpAnswer> {
    const authorization = await this.#credentials.headers()
    try {
      const answer = await this.#http.send({ answerBytesMax, ...call, origin: this.#origin, headers: { ...authorization, ...call.headers } })
      this.#credentials.accepted()
      return answer
    } catch (error) {
      if (error instanceof HttpStatusError && error.status === 401 && this.#credentials.refused()) throw new StaleToken(error)
      throw error
    }
  }

  /** The answer to a request of the JSON API; with `kind`, one that says that it is of that. */
  async ask<Answer extends object> (call: GcsCall, kind?: string): Promise<Answer> { return wholeJson<Answer>(await this.send(call), kind) }

  close (): void { this.#http.close() }
}

/** A query of what is defined. */
export function queryOf (parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value!)}`).join('&')
}
