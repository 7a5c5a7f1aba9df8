/** A record of a coordinator's log; a null value deletes what the key names. */
export interface KeyedRecord { readonly key: Uint8Array, readonly value: Uint8Array | null }

/**
 * What a coordinator knows, as a function of its log: nothing but `apply` changes it, for records that are loaded and for those
 * that were just appended alike. It holds no timers, no promises and nobody who waits.
 */
export interface ShardState<R> {
  /** Takes the next record of the log. Never throws: whoever appends a record has decided that it holds. */
  apply (record: R): void
  /** Names of the parts that the state falls into; taken together, the records of all parts are the state. */
  parts (): Iterable<string>
  /** The records that make a part what it is now; none for a part that is gone. Applied again here they change nothing. */
  recordsOf (part: string): readonly R[]
}

/** How records lie in the log. */
export interface ShardCodec<R> {
  encode (record: R): KeyedRecord
  /** Keeps no view of the bytes. Throws a ProtocolError for bytes that are no such record. */
  decode (key: Uint8Array, value: Uint8Array | null): R
}
