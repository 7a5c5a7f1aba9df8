import { asBuffer } from './primitives/buffer-view.ts'
import { corrupt } from './protocol-error.ts'
import { Reader } from './primitives/reader.ts'
import type { Writer } from './primitives/writer.ts'
import { findApi } from './messages/apis.ts'
import type { Api } from './schema/api.ts'

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Our table of the API, when we have one that covers the version; undefined means: do not parse the body. */
  readonly api: Api | undefined
  /** Where the body begins, in bytes from the start of the frame. Meaningless when `api` is undefined. */
  readonly bodyPosition: number
}

const apiVersionsKey = 18

/**
 * Reads the header of a request frame (without its four-byte size).
 *
 * Of a request that we have no table for, key, version, correlation id and client id are still told: an ApiVersions
 * request of a version unknown to us has to be answered in version 0, and others are worth a line in the log.
 * A client id that cannot be read in such a frame is null, because nothing is known of its layout.
 */
export function decodeRequestHeader (frame: Uint8Array): RequestHeader {
  return readRequestHeader(new Reader(frame))
}

/** The API key of a request frame (without its four-byte size), before anything else of it is read; -1 where even that is missing. */
export function apiKeyOf (frame: Uint8Array): number {
  return frame.length < 2 ? -1 : asBuffer(frame).readInt16BE(0)
}

export function readRequestHeader (reader: Reader): RequestHeader {
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const known = findApi(apiKey)
  if (known === undefined || apiVersion < known.versionMin || apiVersion > known.versionMax) {
    return { apiKey, apiVersion, correlationId, clientId: clientIdIfReadable(reader), api: undefined, bodyPosition: 0 }
  }
  // Even in flexible versions the client id keeps its two-byte length.
  const clientId = reader.string()
  if (apiVersion >= known.flexibleFrom) reader.skipTags()
  return { apiKey, apiVersion, correlationId, clientId, api: known, bodyPosition: reader.position }
}

function clientIdIfReadable (reader: Reader): string | null {
  if (reader.remaining < 2) return null
  const size = reader.int16()
  return size < 0 || size > reader.remaining ? null : reader.text(size)
}

export function writeRequestHeader (writer: Writer, api: Api, version: number, correlationId: number, clientId: string | null): void {
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlationId)
  writer.nullableString(clientId)
  if (version >= api.flexibleFrom) writer.unsignedVarint(0)
}

/** ApiVersions answers never have tags in their header: a client reads them before it knows what the broker speaks. */
function hasResponseTags (api: Api, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== apiVersionsKey
}

export function writeResponseHeader (writer: Writer, api: Api, version: number, correlationId: number): void {
  writer.int32(correlationId)
  if (hasResponseTags(api, version)) writer.unsignedVarint(0)
}

/** Reads the header of a response; the caller knows API and version from the request. Returns the correlation id. */
export function readResponseHeader (reader: Reader, api: Api, version: number): number {
  const correlationId = reader.int32()
  if (hasResponseTags(api, version)) reader.skipTags()
  return correlationId
}

/** The correlation id of a response frame (without its four-byte size), by which a client finds the request. */
export function correlationIdOf (frame: Uint8Array): number {
  if (frame.length < 4) throw corrupt(`response without a correlation id. size=${frame.length}`)
  return asBuffer(frame).readInt32BE(0)
}
