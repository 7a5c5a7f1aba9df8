import type { Logger } from '@streambed/sdk'
import { encodeResponseChunks, encodeUnsupportedApiVersions, decodeRequest, type DecodedRequest } from '../protocol/frames.ts'
import { decodeRequestHeader } from '../protocol/headers.ts'
import { ApiKey, apis, type ResponseInputOf } from '../protocol/messages/apis.ts'
import type { ApiHandler, RequestContext, Unanswered } from './handler.ts'

/** What the server does with a request once it is served: bytes to send, or nothing, or hang up. */
export type Reply = { readonly kind: 'send', readonly chunks: readonly Uint8Array[], readonly throttleMs: number } | { readonly kind: Unanswered }
export type ConnectionContext = Pick<RequestContext, 'clientHost' | 'listener' | 'signal' | 'tookEffect'>

export interface AdvertisedApi { readonly apiKey: ApiKey, readonly minVersion: number, readonly maxVersion: number }

/** Finds the handler of each request. It knows no sockets: frames in, replies out. */
export class Dispatcher {
  readonly #handlers: ReadonlyMap<number, ApiHandler>
  readonly #logger: Logger

  constructor (handlers: readonly ApiHandler[], logger: Logger) {
    this.#handlers = new Map(handlers.map(handler => [handler.apiKey, handler]))
    this.#logger = logger
  }

  /**
   * Serves one request frame, without its size. Called as RequestOrder says for the frames of a connection; replies are sent in the
   * order in which those arrived. Frames that cannot be read, and keys and versions that are not served, close the connection, as
   * Kafka does; only an unknown version of ApiVersions is answered. Never rejects.
   */
  async dispatch (frame: Uint8Array, connection: ConnectionContext): Promise<Reply> {
    let request: DecodedRequest
    let handler: ApiHandler
    try {
      const header = decodeRequestHeader(frame)
      const { apiKey, apiVersion, correlationId } = header
      const found = this.#handlers.get(apiKey)
      const isServed = found !== undefined && apiVersion <= versionMaxOf(found)
      if (apiKey === ApiKey.ApiVersions && (apiVersion < 0 || !isServed)) return { kind: 'send', chunks: [encodeUnsupportedApiVersions(correlationId)], throttleMs: 0 }
      if (!isServed) throw new Error(`API key or version is not served. apiKey=${apiKey} apiVersion=${apiVersion}`)
      handler = found
      request = decodeRequest(frame)
    } catch (error) {
      this.#logger.debug('closing a connection that sent what cannot be read', { client: connection.clientHost, error: String(error) })
      return { kind: 'close' }
    }
    try {
      const { apiVersion, correlationId } = request
      const answer = await handler.handle(request.body as never, { ...connection, apiVersion, clientId: request.clientId ?? '' })
      if (answer === 'noReply' || answer === 'close') return { kind: answer }
      const body = answer as ResponseInputOf<ApiKey> & { readonly throttleTimeMs?: number }
      const chunks = encodeResponseChunks(request.apiKey, apiVersion, correlationId, body)
      return { kind: 'send', chunks, throttleMs: body.throttleTimeMs ?? 0 }
    } catch (error) {
      this.#logger.error('a request failed unexpectedly', { apiKey: request.apiKey, apiVersion: request.apiVersion, error: error instanceof Error ? error.stack ?? error.message : String(error) })
      return { kind: 'close' }
    }
  }
}

/** What ApiVersions tells clients. Only what has a handler is advertised. */
export function advertisedApis (handlers: readonly ApiHandler[]): readonly AdvertisedApi[] {
  return handlers.map(handler => ({ apiKey: handler.apiKey, minVersion: apis[handler.apiKey].advertisedMin, maxVersion: versionMaxOf(handler) }))
    .sort((left, right) => left.apiKey - right.apiKey)
}

function versionMaxOf (handler: ApiHandler): number { return handler.versionMax ?? apis[handler.apiKey].versionMax }
