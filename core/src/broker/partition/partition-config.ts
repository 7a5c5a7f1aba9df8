import type { Compression } from '../../protocol/records/batch-header.ts'

/** The topic's settings that a partition acts on, as they are in force now. Names and units are Kafka's. */
export interface PartitionConfig {
  /** `cleanup.policy`: neither keeps for ever. */
  readonly isCompacted: boolean
  readonly isDeleted: boolean
  /** -1: unlimited. */
  readonly retentionMs: number
  /** -1: unlimited. */
  readonly retentionBytes: number
  /** The largest batch, header included. */
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  readonly usesLogAppendTime: boolean
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  /** The codec that batches are stored with; `producer`: as they come. */
  readonly compression: Compression | 'producer'
}
