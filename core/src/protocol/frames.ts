import { unsupported } from './protocol-error.ts'
import { readRequestHeader, readResponseHeader, writeRequestHeader, writeResponseHeader } from './headers.ts'
import { ApiKey, apis } from './messages/apis.ts'
import type { RequestInputOf, RequestOf, ResponseInputOf, ResponseOf } from './messages/apis.ts'
import { readProduceRequest } from './produce-request.ts'
import { Reader } from './primitives/reader.ts'
import { Writer } from './primitives/writer.ts'
import type { Api } from './schema/api.ts'
import type { Encodable, Fields } from './schema/fields.ts'

/**
 * The most array elements that one request may hold. Every element takes a byte or more of the frame but many more of
 * the heap; a million is beyond any client and within any broker's memory.
 */
export const requestElementsMax = 1_048_576

/** A request with the body of its API: `switch (request.apiKey)` tells the compiler which. */
export type DecodedRequest = {
  readonly [K in ApiKey]: {
    readonly apiKey: K
    readonly apiVersion: number
    readonly correlationId: number
    readonly clientId: string | null
    readonly body: RequestOf<K>
  }
}[ApiKey]

// Encoding is synchronous and never re-entered, so one writer serves everybody.
const shared = new Writer(16 * 1024)

/**
 * Decodes a request frame: what follows the four-byte size. Bytes after the body are ignored, as Kafka does.
 * Byte fields are views of the frame: who keeps one, keeps the frame, or copies.
 * Throws a ProtocolError: UNSUPPORTED for a key or version without a table, CORRUPT for the rest.
 */
export function decodeRequest (frame: Uint8Array, elementsMax = requestElementsMax): DecodedRequest {
  const reader = new Reader(frame, 0, elementsMax)
  const { apiKey, apiVersion, correlationId, clientId, api } = readRequestHeader(reader)
  if (api === undefined) throw unsupported(`API key or version is not spoken here. apiKey=${apiKey} apiVersion=${apiVersion}`)
  const body = apiKey === ApiKey.Produce ? readProduceRequest(reader, apiVersion) : api.request.decode(reader, apiVersion)
  return { apiKey, apiVersion, correlationId, clientId, body } as unknown as DecodedRequest
}

/** Encodes a whole request, ready for the socket: four-byte size, header, body. */
export function encodeRequest<K extends ApiKey> (apiKey: K, version: number, correlationId: number, clientId: string | null,
  body: RequestInputOf<K>): Buffer {
  const api = apiOf(apiKey)
  startFrame()
  writeRequestHeader(shared, api, version, correlationId, clientId)
  api.request.encode(shared, version, body as Encodable<Fields>)
  endFrame()
  return shared.finish()
}

/** Encodes a whole response, ready for the socket: four-byte size, header, body. */
export function encodeResponse<K extends ApiKey> (apiKey: K, version: number, correlationId: number, body: ResponseInputOf<K>): Buffer {
  writeResponse(apiOf(apiKey), version, correlationId, body as Encodable<Fields>, false)
  return shared.finish()
}

/**
 * As `encodeResponse`, but as a list of pieces in which record bytes (of a Fetch response) are the very chunks that were
 * given, not copies. They must not change until the list has been written.
 */
export function encodeResponseChunks<K extends ApiKey> (apiKey: K, version: number, correlationId: number, body: ResponseInputOf<K>): Uint8Array[] {
  writeResponse(apiOf(apiKey), version, correlationId, body as Encodable<Fields>, true)
  return shared.finishChunks()
}

/** A Fetch response as pieces for a gathering write: sizes, headers and metadata between the given record chunks. */
export function encodeFetchResponse (version: number, correlationId: number, body: ResponseInputOf<typeof ApiKey.Fetch>): Uint8Array[] {
  return encodeResponseChunks(ApiKey.Fetch, version, correlationId, body)
}

/** The answer to an ApiVersions request in a version that we do not know: version 0, with the range that we do know. */
export function encodeUnsupportedApiVersions (correlationId: number): Buffer {
  const { versionMax, advertisedMin } = apis[ApiKey.ApiVersions]
  return encodeResponse(ApiKey.ApiVersions, 0, correlationId, {
    errorCode: 35,
    apiKeys: [{ apiKey: ApiKey.ApiVersions, minVersion: advertisedMin, maxVersion: versionMax }]
  })
}

/**
 * Decodes a response frame (without its four-byte size) to a request of this key and version; the opposite of
 * `encodeResponse`. Byte fields are views of the frame.
 */
export function decodeResponse<K extends ApiKey> (apiKey: K, version: number, frame: Uint8Array):
{ readonly correlationId: number, readonly body: ResponseOf<K> } {
  const api = apiOf(apiKey)
  const reader = new Reader(frame)
  const correlationId = readResponseHeader(reader, api, version)
  return { correlationId, body: api.response.decode(reader, version) as ResponseOf<K> }
}

function writeResponse (api: Api, version: number, correlationId: number, body: Encodable<Fields>, gather: boolean): void {
  startFrame(gather)
  writeResponseHeader(shared, api, version, correlationId)
  api.response.encode(shared, version, body)
  endFrame()
}

function startFrame (gather = false): void {
  shared.reset(gather)
  shared.reserve(4)
}

function endFrame (): void {
  const size = shared.size - 4
  if (size > 0x7fff_ffff) throw unsupported(`frame larger than 2 GiB. size=${size}`)
  shared.view.setInt32(0, size)
}

function apiOf (apiKey: ApiKey): Api {
  const api: unknown = apis[apiKey]
  if (api === undefined) throw unsupported(`API key is not spoken here. apiKey=${String(apiKey)}`)
  return api as Api
}
