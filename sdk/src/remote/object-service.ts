import type { ErrorCode } from '../errors.ts'
import type { ByteRange, Finding, ObjectInfo } from '../object-store.ts'

/**
 * What a storage service is asked over the network: one request a call, no retries, no checks of arguments, no
 * deadlines. Requests beyond that one are counted by the driver itself, as `RemoteObjectStore` counts. A driver for a
 * cloud implements this over the cloud's own client; `RemoteObjectStore` makes the contract of it. Names are whole: the operator's prefix is already in front. Rejections are the client's own errors, which
 * `failureOf` explains, or
 * `Unbelieved` (`believed.ts`) where the answer cannot be one to what was asked: that is neither the object nor its absence. What is the
 * same for every service, `RemoteObjectStore` checks itself: sizes, versions, order, prefix and start of a page, checksums.
 *
 * Every `signal` ends the request and frees its socket.
 */
export interface ObjectService {
  put (put: ServicePut): Promise<{ readonly versionToken: string }>
  /**
   * The bytes of `range`, or all; `isWhole` where all came for a range. A range that starts past the end fails with OUT_OF_RANGE, or
   * gives no bytes at exactly the end.
   */
  get (name: string, range: ByteRange | undefined, signal: AbortSignal, onBytes: (count: number) => void): Promise<ServiceBody>
  head (name: string, signal: AbortSignal): Promise<ServiceObject>
  /**
   * At most `limit` (1 to 1,000) objects exclusively after `startAfter`, in the order of the names' UTF-8 bytes; empty only when the last.
   * Folders that the service lists as objects are among them.
   */
  list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ServicePage>
  /** At most `deleteNamesMax` names. One outcome each, in order; a missing one is deleted. */
  delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]>
  readonly deleteNamesMax: number
  /** Absent when the service has no uploads in parts. */
  readonly multipart?: MultipartService
  /** Hazards that only this service has: versioning, lifecycle rules, permissions, the region. */
  preflight (prefix: string, signal: AbortSignal): Promise<readonly Finding[]>
  failureOf (error: unknown): ServiceFailure
  /** Closes sockets. Called once, when no request is in flight. */
  close (): void | Promise<void>
}

export interface ServicePut {
  readonly name: string
  readonly pieces: readonly Uint8Array[]
  readonly size: number
  /** CRC-32C of the whole: stored, and checked by the service before it stores, if it can. */
  readonly crc32c: number
  /** Stored with the object and told by `head`: who wrote it. 1 to 64 letters and digits. */
  readonly owner: string
  readonly ifAbsent: boolean
  readonly signal: AbortSignal
}

export interface ServiceBody {
  readonly bytes: Uint8Array
  /** All of the object, though a range was asked for. */
  readonly isWhole?: boolean
  /** CRC-32C of the whole object; undefined where the service keeps none of this one. An answer that lost it is not to be believed. */
  readonly crc32c?: number | undefined
}
export interface ServiceObject extends Omit<ObjectInfo, 'key'> { readonly owner?: string | undefined }

/** `isFolder`: the service's own mark says that it is a folder, and no object. */
export interface ServiceListed extends ObjectInfo { readonly isFolder?: boolean }
export interface ServicePage { readonly objects: readonly ServiceListed[], readonly isLast: boolean }

export type ServiceDeleteOutcome = { readonly kind: 'deleted' } | { readonly kind: 'failed', readonly failure: ServiceFailure }

/** Uploads in parts, as services have them. */
export interface MultipartService {
  start (name: string, options: { readonly owner: string, readonly ifAbsent: boolean, readonly signal: AbortSignal }): Promise<string>
  /** Resolves with what `complete` needs to name the part. */
  uploadPart (upload: ServiceUpload, part: { readonly number: number, readonly pieces: readonly Uint8Array[], readonly size: number, readonly crc32c: number, readonly signal: AbortSignal }): Promise<string>
  /** `parts` in order, numbered from 1. Resolves with the object's version token; undefined where the answer tells none. */
  complete (upload: ServiceUpload, parts: readonly ServicePart[], options: { readonly ifAbsent: boolean, readonly owner: string, readonly signal: AbortSignal }): Promise<string | undefined>
  /** Idempotent. */
  abort (upload: ServiceUpload, signal: AbortSignal): Promise<void>
  list (prefix: string, signal: AbortSignal): AsyncIterable<ServiceUpload & { readonly startedMs: number }>
}
export interface ServiceUpload { readonly name: string, readonly uploadId: string }
export interface ServicePart { readonly number: number, readonly size: number, readonly token: string }

export interface ServiceFailure {
  /**
   * What the service said, where that is known for sure: only what a code of its proves ends a broker that runs. CONFLICT: it is deciding between rivals, and wants to be asked again. NO_VERDICT: no answer came, or one that does not tell whether the request took effect
   * (a broken connection, most statuses of 500 and more, a refusal for a reason that nobody knows). Bytes that changed on their way to it are UNAVAILABLE.
   */
  readonly code: ErrorCode | 'NO_VERDICT'
  /** `status=503 code=SlowDown requestId=…`: for people who ask the service's support. No secrets. */
  readonly detail: string
  /** What an operator can do, as a sentence. */
  readonly remedy?: string | undefined
}
