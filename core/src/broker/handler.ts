import type { ApiKey, RequestOf, ResponseInputOf } from '../protocol/messages/apis.ts'

/** What a handler knows of a request beside its body. */
export interface RequestContext {
  readonly apiVersion: number
  /** Empty when the client gave none. */
  readonly clientId: string
  /** Address of the client, without port. */
  readonly clientHost: string
  /** Name of the listener that the request came in by: answers name addresses of the same listener. */
  readonly listener: string
  /** Aborts when the connection is gone, or is about to end: who waits answers with what there is. */
  readonly signal: AbortSignal
  /**
   * Tells that the request has changed all that it will, and seen what it must: what is left is to wait for others, as long polls
   * do. Later requests of the connection that would wait for its answer go on. Whoever answers need not call it.
   */
  readonly tookEffect: () => void
}

/** The request has no answer (acks=0); `close` hangs up, the only way to tell such a producer of an error. */
export type Unanswered = 'noReply' | 'close'

/**
 * One API key. `handle` is called once every earlier request of the connection that it conflicts with has taken effect (see
 * RequestOrder), and in the order of arrival for requests of one key; an append happens before it first awaits, or after awaiting
 * what those before it await too. Expected failures are error codes in the response; what `handle` rejects
 * with closes the connection.
 */
export interface ApiHandler<K extends ApiKey = ApiKey> {
  readonly apiKey: K
  /** The newest version that is served, where the handler does less than the protocol table. */
  readonly versionMax?: number
  handle (request: RequestOf<K>, context: RequestContext): Answer<K> | Promise<Answer<K>>
}
export type Answer<K extends ApiKey> = ResponseInputOf<K> | Unanswered

/** Forgets which key a handler is for, so that handlers of all keys fit into one list. */
export function asHandler<K extends ApiKey> (handler: ApiHandler<K>): ApiHandler {
  return handler as unknown as ApiHandler
}
