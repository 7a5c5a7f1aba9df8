export { wholeBatches } from '../src/protocol/records/batches.ts'
export { nextOffset } from '../src/protocol/records/batch-header.ts'
