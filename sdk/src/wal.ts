import type { DurabilityScope, LatencyClass } from './object-store.ts'

/**
 * The write-ahead log of one broker. What it confirms survives the crash of the process and, as far as its declared
 * scope says, of host, zone or region.
 *
 * Ordering
 * W-1 Promises of `append` resolve in call order, each only after its record and all earlier ones are durable.
 * W-2 Positions increase strictly with call order, across restarts too. They are safe integers, opaque otherwise.
 * W-3 When one append fails for good, every append called after it and not yet confirmed fails too: no holes.
 *
 * Recovery
 * W-4 `recover` yields every record that was confirmed and not trimmed, in order, each whole. After them it may yield
 *     records whose append was never confirmed; never one that nobody appended, never one twice.
 * W-5 A torn or stale tail is cut. Damage before the last confirmed record rejects with CORRUPT: never a silent skip.
 * W-6 `recover` is called once, before the first append; it changes nothing, so a crash inside it is harmless. Records
 *     that it yielded stay until they are trimmed; positions already yielded may be trimmed while it runs.
 *
 * Fencing
 * W-7 Opening with a higher writer epoch fences: from the moment that open resolves, no append of a lower epoch is ever
 *     confirmed that the opened log does not recover; it rejects with FENCED, at the latest when it would have been confirmed. (What it
 *     recovers may be confirmed late: an answer was on its way.) Opening with an epoch that is not higher than the highest seen
 *     rejects with FENCED.
 *
 * Capacity
 * W-8 `append` rejects at once with OVER_CAPACITY when the record does not fit before older ones are trimmed; it never
 *     overwrites what is not trimmed, and room that trim makes is usable without a restart. `trim` needs no free room.
 *
 * Ownership
 * W-9 Caller: leaves the chunks unchanged until the promise settles. Driver: keeps no reference after.
 *
 * Errors: OVER_CAPACITY, INVALID_ARGUMENT (a record larger than `recordBytesMax`, or empty), FENCED, CLOSED, OUT_OF_SPACE,
 * UNAVAILABLE, CORRUPT, OUTCOME_UNKNOWN. After UNAVAILABLE or OUTCOME_UNKNOWN from `append` the log refuses further
 * appends with the same error until it is opened again: what was written but not confirmed is in doubt (W-4).
 */
export interface Wal extends AsyncDisposable {
  /** Appends one record, given as pieces to be stored back to back. */
  append (chunks: readonly Uint8Array[]): Promise<WalPosition>
  /** See W-4 to W-6. The yielded bytes belong to the caller. */
  recover (): AsyncIterable<WalRecord>
  /**
   * Forgets every record up to and including `position`. Older or repeated positions change nothing; one past the
   * last append is INVALID_ARGUMENT. Durable no later than the next confirmed append: after a crash, trimmed
   * records may come back.
   */
  trim (position: WalPosition): Promise<void>
  usage (): WalUsage
  /** Idempotent. Refuses new appends with CLOSED and settles those in flight. */
  close (): Promise<void>
}

export type WalPosition = number
export interface WalRecord { readonly position: WalPosition, readonly data: Uint8Array }
export interface WalUsage {
  /** Bytes that records not yet trimmed take, headers and padding included. */
  readonly usedBytes: number
  readonly capacityBytes: number
  /** The largest record, in bytes, that `append` takes. */
  readonly recordBytesMax: number
}

/** Who opens a log. */
export interface WalWriter {
  /** Logs of another cluster or node are refused with MISCONFIGURED. */
  readonly clusterId: string
  readonly nodeId: number
  /** Minted by the metadata log; higher fences lower. */
  readonly writerEpoch: number
}

export interface WalCapabilities {
  readonly scope: DurabilityScope
  readonly latencyClass: LatencyClass
  /** How a lower epoch is kept out: `lock`: by the operating system of one host; `conditionalPut`: by the store itself. */
  readonly fencing: 'lock' | 'epochFile' | 'conditionalPut' | 'reservation'
  /** Whether a host other than the writer's can open the log. */
  readonly remoteTakeover: boolean
}
