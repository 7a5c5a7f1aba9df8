import { isCrcValid, baseOffset, batchSize, type Compression } from '../../src/protocol/records/batch-header.ts'
import { decodeRecords } from '../../src/protocol/records/decode-records.ts'
import { encodeBatch } from '../../src/protocol/records/encode-batch.ts'
import type { PartitionHistory, ReadBatch } from './checker.ts'

export interface ProducerIdentity { readonly producerId: number, readonly producerEpoch: number, readonly baseSequence: number }

/** Writes the one value that a record of this id has into `target`; gives its size. */
function writeValue (target: Buffer, recordId: string): number {
  const size = Number(recordId.slice(recordId.lastIndexOf('#') + 1))
  const head = target.write(`${recordId}|`, 'latin1')
  target.fill(97 + size % 26, head, head + size)
  return head + size
}

const scratch = Buffer.alloc(64 * 1024)

function valueOf (recordId: string): Buffer { return Buffer.from(scratch.subarray(0, writeValue(scratch, recordId))) }

export function batchOf (recordIds: readonly string[], options: { readonly timestamp: number, readonly compression: Compression, readonly identity?: ProducerIdentity }): Uint8Array {
  const { compression, identity, timestamp } = options
  return encodeBatch(recordIds.map(id => ({ value: valueOf(id) })), { timestamp, compression, ...identity })
}

/** The batches of a fetch answer, each record's bytes held against its id. */
export function readBatches (bytes: Uint8Array, history: PartitionHistory): ReadBatch[] {
  const batches: ReadBatch[] = []
  for (let at = 0; at < bytes.length; at += batchSize(bytes, at)) {
    if (!isCrcValid(bytes, at)) history.invented(`a batch fails its CRC. offset=${baseOffset(bytes, at)}`)
    const recordIds = decodeRecords(bytes, 2 ** 24, at).map(({ offset, value }) => {
      const text = value === null ? Buffer.alloc(0) : Buffer.from(value.buffer, value.byteOffset, value.length)
      const id = text.toString('latin1', 0, Math.max(0, text.indexOf('|')))
      if (!text.equals(scratch.subarray(0, writeValue(scratch, id)))) history.invented(`record at ${offset} is not what was sent. id=${id}`)
      return id
    })
    batches.push({ baseOffset: baseOffset(bytes, at), recordIds })
  }
  return batches
}
