export { abortedError, sleep, throwIfAborted } from './environment.ts'
export { CallsInFlight, mapBounded } from './calls-in-flight.ts'
export { crc32c } from './crc32c.ts'
export { StreambedError, errorTable, invariant } from './errors.ts'
export { addInt64, clampInt64, highOf, int64Max, int64Min, int64Of, lowOf, readInt64, readSafeInt64, toInt64, writeInt64 } from './int64.ts'
export { compareKeys } from './key-order.ts'
export { objectKeyProblem } from './object-store.ts'
export { parseBytes, parseMs } from './units.ts'
export { checkOpening, identityBytes, mintIdentity } from './wal-opening.ts'
export { DeadlinePassed, withDeadline } from './waiting/deadline.ts'
export { withRetry } from './waiting/retry.ts'
export { isPutOpen, settledPut } from './waiting/settled-put.ts'
export { apiVersion, capabilitiesOf, defineMetadataLog, defineObjectStore, defineWal } from './plugin.ts'

export type { Clock, Environment, LogFields, Logger, Metrics, Random, Timer } from './environment.ts'
export type { ErrorCode } from './errors.ts'
export type { Int64 } from './int64.ts'
export type { DirectoryEntry, FileHandle, FileLock, FileMode, FileStat, FileSystem, OpenOptions } from './file-system.ts'
export type { MetadataLog, MetadataLogCapabilities, MetadataPage, MetadataSnapshot } from './metadata-log.ts'
export type {
  ByteRange, CallOptions, DeleteOutcome, DurabilityScope, Finding, GetOptions, LatencyClass, ListOptions, MultipartUpload,
  ObjectBody, ObjectInfo, ObjectPage, ObjectStore, ObjectStoreCapabilities, PutOptions, StoredObject
} from './object-store.ts'
export type {
  MetadataLogContext, MetadataLogPlugin, MetadataRepair, ObjectStorePlugin, OptionDoc, OptionsSchema, Plugin, PriceTable, SchemaIssue, SchemaResult,
  WalContext, WalPlugin
} from './plugin.ts'
export type { Deadline } from './waiting/deadline.ts'
export type { FailedAttempt, RetryHost, RetryOptions } from './waiting/retry.ts'
export type { SettledPut } from './waiting/settled-put.ts'
export type { Wal, WalCapabilities, WalIdentity, WalOpening, WalPosition, WalRecord, WalUsage, WalWriter } from './wal.ts'
export type { FoundLog, OpeningRequest } from './wal-opening.ts'
