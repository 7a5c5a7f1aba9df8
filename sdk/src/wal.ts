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
 * Identity
 * W-10 A log has an identity, minted at random when it is made, durable before that `open` resolves, the same at every later
 *      open, and gone only with the log. A copy has that of its original.
 * W-11 `create` makes a log where none is, and opens one that is there already of this cluster and node: its maker may have
 *      died before anybody noted the identity. `own` and `takeover` make none: where none is, or one of another identity than
 *      `expectedId`, they reject with WRONG_MEDIUM. Without `expectedId` they open the log of this cluster and node whatever
 *      its identity, and mint one for a log that was made before there were identities.
 * W-12 An open that rejects with WRONG_MEDIUM or MISCONFIGURED has changed nothing: it has made nothing, not even a folder, and
 *      fenced nobody.
 * W-13 What a log says of itself at its open: `last` is at or past every record that was ever confirmed; `trimmed` is never past
 *      what was asked for; `writerEpoch` is the highest that had it open before. A log that was put back from an older copy shows by them.
 *
 * Errors of `open`: WRONG_MEDIUM, MISCONFIGURED, FENCED, LOCKED, CORRUPT, UNSUPPORTED, and those below.
 * Errors: OVER_CAPACITY, INVALID_ARGUMENT (a record larger than `recordBytesMax`, or empty), FENCED, CLOSED, OUT_OF_SPACE,
 * UNAVAILABLE, CORRUPT, OUTCOME_UNKNOWN. After UNAVAILABLE or OUTCOME_UNKNOWN from `append` the log refuses further
 * appends with the same error until it is opened again: what was written but not confirmed is in doubt (W-4).
 */
export interface Wal extends AsyncDisposable {
  /** W-10, W-13. Absent: this log cannot tell whether it is the one it was, and its host says so at every start. */
  readonly identity?: WalIdentity
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

/** What a log said of itself when it was opened. Positions are those of records, -1 for none. */
export interface WalIdentity {
  /** 1 to 64 characters of `A-Z a-z 0-9 - _`. */
  readonly id: string
  /** The highest writer epoch that had opened it before; -1 for a new log. */
  readonly writerEpoch: number
  /** The last record that was found, trimmed or not; `recover` yields none after it. */
  readonly last: WalPosition
  /** All up to it is trimmed, durably. */
  readonly trimmed: WalPosition
}

/** How a log is opened (W-11). `takeover`: by another host than the writer's, for a node that died. */
export type WalOpening =
  | { readonly mode: 'create' }
  | { readonly mode: 'own' | 'takeover', readonly expectedId?: string }

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
  /** Whether it keeps W-10 to W-13. Absent: not, and its certificate says so. */
  readonly identity?: boolean
}
