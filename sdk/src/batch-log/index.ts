// What logs on files and disks have in common: the batch format, group commit, and reading back.
export { BatchIndex } from './batch-index.ts'
export { BatchLog } from './batch-log.ts'
export { BatchReader, lastRecordOf } from './batch-reader.ts'
export { batchPayloadBytesMax, batchRecordsMax, decodeBatchHeader, encodeBatchHeader, recordBytesCeiling } from './batch-format.ts'
export { readRecords } from './batch-records.ts'
export { alignUp, blockBytes, isZero, readUint64, splitChunks, viewOf, writeUint64 } from './bytes.ts'
export { checkWriter, clusterIdBytesMax } from './check-writer.ts'
export { makeFolder, syncParents } from './folders.ts'
export { explainOpenFailure, fenced } from './log-errors.ts'
export { owning, release } from './release.ts'

export type { Batch, BatchSource } from './batch-reader.ts'
export type { BatchMedium, LogState, OpenedBatchLog } from './batch-log.ts'
