import { encodeBatch } from '../../protocol/records/encode-batch.ts'
import type { KeyedRecord, ShardCodec } from './shard-state.ts'

/** Records that are appended together, and their bytes. */
export interface ShardBatch<R> { readonly records: readonly R[], readonly bytes: Uint8Array }

export const recordsPerBatch = 500
/** Small enough for every WAL; a single record may be larger. */
const batchBytesMax = 256 * 1024

/** Cuts records into batches, in order, each encoded when it is asked for. */
export function * batchesOf<R> (records: readonly R[], codec: ShardCodec<R>, timestamp: number): Generator<ShardBatch<R>> {
  let encoded: KeyedRecord[] = []
  let bytes = 0
  let start = 0
  for (const [index, record] of records.entries()) {
    const keyed = codec.encode(record)
    const size = keyed.key.length + (keyed.value?.length ?? 0)
    if (encoded.length === recordsPerBatch || (encoded.length > 0 && bytes + size > batchBytesMax)) {
      yield { records: records.slice(start, index), bytes: encodeBatch(encoded, { timestamp }) }
      encoded = []
      bytes = 0
      start = index
    }
    encoded.push(keyed)
    bytes += size
  }
  if (encoded.length > 0) yield { records: records.slice(start), bytes: encodeBatch(encoded, { timestamp }) }
}
