import type { DurabilityScope } from './object-store.ts'

/**
 * One totally ordered log of the facts of a cluster, with compare-and-append.
 *
 * ML-1 Positions are 0, 1, 2 …, one an entry, without gaps. An entry never changes.
 * ML-2 `append(expectedEnd, entries)` adds all entries or none. Of those that race for one end exactly one resolves;
 *      the others reject with CONFLICT. Once it resolves the entries are durable.
 * ML-3 A lost answer is resolved by the driver (it recognises its own entries) or rejects with OUTCOME_UNKNOWN; after
 *      it the caller reads from `expectedEnd` to learn what happened.
 * ML-4 `read` sees every append that resolved before it was called, from any process.
 * ML-5 `writeSnapshot(at, …)` is atomic: `latestSnapshot` gives this one or an earlier one, whole. Two at one position:
 *      either.
 * ML-6 `truncateBefore(position)` may forget entries before `position`, and only if a snapshot at or after it exists
 *      (else INVALID_ARGUMENT). Reading a forgotten one rejects with OUT_OF_RANGE: load the snapshot.
 * ML-7 Entries are checksummed; damage is CORRUPT, never a shorter or different log.
 * ML-8 A log that can only go on after it is opened again (its file failed) rejects every call, waits too, with CLOSED from
 *      then on. UNAVAILABLE means that the same log may answer later.
 *
 * Ownership: bytes given belong to the caller and stay unchanged until the promise settles; bytes returned belong to
 * the caller. Errors: CONFLICT, OUT_OF_RANGE, INVALID_ARGUMENT, LOCKED, CORRUPT, OUTCOME_UNKNOWN, UNAVAILABLE,
 * OUT_OF_SPACE, PERMISSION_DENIED, ABORTED, CLOSED.
 */
export interface MetadataLog extends AsyncDisposable {
  append (expectedEnd: number, entries: readonly Uint8Array[]): Promise<void>
  /** Entries from `from`, as many as the driver likes to return at once; at least one unless `from` is the end. */
  read (from: number): Promise<MetadataPage>
  /** Resolves when the log may have grown past `from`; a resolution without growth is allowed. */
  waitForGrowth (from: number, options: { readonly signal: AbortSignal }): Promise<void>
  writeSnapshot (at: number, state: Uint8Array): Promise<void>
  /** The newest snapshot; `at` is the position of the first entry that it does not hold. */
  latestSnapshot (): Promise<MetadataSnapshot | undefined>
  truncateBefore (position: number): Promise<void>
  /** Idempotent. */
  close (): Promise<void>
}

export interface MetadataPage {
  readonly entries: readonly Uint8Array[]
  /** The end of the log when this page was read: the position that the next append would get. */
  readonly end: number
}
export interface MetadataSnapshot { readonly at: number, readonly state: Uint8Array }

export interface MetadataLogCapabilities {
  readonly scope: DurabilityScope
  /** Whether brokers on several hosts can share the log. */
  readonly isShared: boolean
  readonly entryBytesMax: number
}
