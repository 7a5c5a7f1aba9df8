import type { Environment } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import type { WalRecord } from '../wal.ts'
import { batchHeaderBytes, firstRecordOf } from './batch-format.ts'
import { BatchReader, type BatchSource } from './batch-reader.ts'
import { viewOf } from './bytes.ts'

/** The records of [start, end) after `trimmed`, batch by batch. The range was scanned before: what is now missing is damage. */
export async function * readRecords (source: BatchSource, range: { readonly start: number, readonly end: number }, trimmed: number, environment: Environment): AsyncGenerator<readonly WalRecord[], void, undefined> {
  const reader = new BatchReader(source, environment.crc32c, { start: range.start, limit: range.end }, true)
  while (reader.position < range.end) {
    const batch = await reader.next()
    if (batch === undefined) throw new StreambedError('CORRUPT', `records that were whole at opening are damaged now. path=${source.path} position=${reader.position}`)
    const view = viewOf(batch.bytes)
    let at = batchHeaderBytes + 4 * batch.recordCount
    const base = firstRecordOf(batch.position, batch.recordCount) - at
    const records: WalRecord[] = []
    for (let i = 0; i < batch.recordCount; i++) {
      const size = view.getUint32(batchHeaderBytes + 4 * i, true)
      const position = base + at
      if (position > trimmed) records.push({ position, data: batch.bytes.subarray(at, at + size) })
      at += size
    }
    yield records
  }
}
