/**
 * A store of immutable objects: the primary storage.
 *
 * Ordering and consistency
 * OS-1 Read-after-write: once `put` resolves, every `get`, `head` and `list`, from any process, sees the object.
 *      Once `delete` resolves with `deleted`, none does.
 * OS-2 A put is atomic: no reader, ever, sees a part of it; one that failed is visible whole or not at all.
 * OS-3 `ifAbsent` is atomic: of N racers for one key exactly one resolves, the others reject with ALREADY_EXISTS.
 * OS-4 A driver that cannot tell whether its own `ifAbsent` put won (a lost answer) resolves the doubt by reading back
 *      an owner token, or rejects with OUTCOME_UNKNOWN; it never reports its own win as somebody else's.
 * OS-5 `list` is in ascending order of the keys' UTF-8 bytes; a key present throughout is listed exactly once.
 *      Names without bytes that end with `/`, and what a service itself marks as folders, are none of ours and not listed.
 * OS-6 Integrity is end to end: bytes altered on the way up are not stored, which is UNAVAILABLE: sent again, they may
 *      arrive. A whole object altered on the way down or at rest is CORRUPT and never returned. Services keep no checksum of a range: who asks for one brings a format of
 *      his own with checksums in it (decision 008).
 * OS-7 A ranged get returns exactly the bytes [start, end) that exist: shorter where the object ends before `end`,
 *      OUT_OF_RANGE where `start` is past the object's size; at exactly the size either, with no bytes. A range never answers with the whole object.
 *
 * Ownership
 * OS-8 `body` belongs to the caller, who leaves it unchanged until the promise settles; the driver keeps no reference
 *      after. What `get` returns belongs to the caller.
 *
 * Errors: each rejection is a StreambedError. NOT_FOUND, ALREADY_EXISTS, OUT_OF_RANGE, INVALID_ARGUMENT (a key or
 * option outside the documented range, before any request), PERMISSION_DENIED, MISCONFIGURED, THROTTLED, TIMEOUT,
 * UNAVAILABLE, OUT_OF_SPACE, CORRUPT, OUTCOME_UNKNOWN, ABORTED, CLOSED.
 * Drivers do not retry: the host has one retry layer.
 */
export interface ObjectStore extends AsyncDisposable {
  put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject>
  get (key: string, options?: GetOptions): Promise<Uint8Array>
  head (key: string, options?: CallOptions): Promise<ObjectInfo>
  /** One page, of at most `limit` keys (1 to 1,000, default 1,000), exclusively after `startAfter`. */
  list (prefix: string, options?: ListOptions): Promise<ObjectPage>
  /** Deletes each key; a missing one counts as deleted. One outcome a key, in the order given. Any number of keys. */
  delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]>
  /** Begins an upload in parts; nothing is visible before `complete`. UNSUPPORTED unless `multipart` is declared. */
  startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload>
  /** Removes uploads in parts that were begun before `beforeMs` (wall clock) and never ended. Resolves with their count. */
  sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number>
  /** Looks for what would break the contract on this very service; each finding names its remedy. Empty when sound. */
  preflight (options?: CallOptions): Promise<readonly Finding[]>
  /** Idempotent. Refuses new calls with CLOSED, lets those in flight settle, frees every socket and file. */
  close (): Promise<void>
}

/** Contiguous bytes, or pieces to be stored back to back. */
export type ObjectBody = Uint8Array | readonly Uint8Array[]

export interface CallOptions {
  /** Stops the wait with ABORTED and frees what the call holds; a write may still have happened. */
  readonly signal?: AbortSignal
}
export interface PutOptions extends CallOptions { readonly ifAbsent?: boolean }
export interface GetOptions extends CallOptions { readonly range?: ByteRange }
export interface ListOptions extends CallOptions { readonly startAfter?: string, readonly limit?: number }

/** Half-open, in bytes: 0 <= start < end. */
export interface ByteRange { readonly start: number, readonly end: number }

/** What a writer learns of the object it stored. */
export interface StoredObject {
  readonly key: string
  /** Bytes. */
  readonly size: number
  /** Opaque; differs between two objects of one key with different bytes. The same in `put`, `head` and `list`. */
  readonly versionToken: string
}
export interface ObjectInfo extends StoredObject {
  /** When the service stored it, in ms since the Unix epoch, by the service's clock. */
  readonly modifiedMs: number
}
export interface ObjectPage { readonly objects: readonly ObjectInfo[], readonly isLast: boolean }
export type DeleteOutcome =
  | { readonly kind: 'deleted', readonly key: string }
  | { readonly kind: 'failed', readonly key: string, readonly error: Error }

export interface MultipartUpload {
  /** Parts are numbered from 1; sent again, the last that resolved wins. All but the last hold >= `partBytesMin`. */
  uploadPart (number: number, body: ObjectBody, options?: CallOptions): Promise<void>
  /** Makes the parts, in order of their numbers without gaps, visible as one object. */
  complete (options?: CallOptions): Promise<StoredObject>
  /** Idempotent; leaves nothing behind. */
  abort (options?: CallOptions): Promise<void>
}

export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly problem: string
  readonly remedy: string
}

/** What an author claims of a store; the conformance suite holds it against what it sees. */
export interface ObjectStoreCapabilities {
  readonly conditionalCreate: 'atomic' | 'none'
  /** `conditionalComplete`: `ifAbsent` works for uploads in parts too; UNSUPPORTED where it does not. */
  readonly multipart: false | { readonly partBytesMin: number, readonly partsMax: number, readonly conditionalComplete: boolean }
  readonly objectBytesMax: number
  /** What a loss may take without losing an object. */
  readonly scope: DurabilityScope
  readonly latencyClass: LatencyClass
}
export type DurabilityScope = 'process' | 'host' | 'zone' | 'region' | 'multiRegion'
export type LatencyClass = 'A' | 'B' | 'C'

/** Services take 1,023 bytes (OSS) to 1,024; the rest is left to a prefix of the operator's. */
const keyBytesMax = 900
const utf8 = new TextEncoder()

/**
 * The keys every store takes: 1 to 900 UTF-8 bytes, no leading or trailing `/`, no empty, `.` or `..` segment,
 * no control characters, no lone surrogates. Says what is wrong with `key`, or nothing.
 */
export function objectKeyProblem (key: string): string | undefined {
  if (key.length === 0) return 'is empty'
  if (!key.isWellFormed()) return 'holds a lone surrogate'
  if (utf8.encode(key).length > keyBytesMax) return `is longer than ${keyBytesMax} bytes`
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f]/.test(key)) return 'holds a control character'
  if (key.split('/').some(segment => segment === '' || segment === '.' || segment === '..')) return 'has an empty, "." or ".." segment'
  return undefined
}
