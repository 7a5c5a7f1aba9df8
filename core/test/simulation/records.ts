import { isCrcValid, baseOffset, batchSize, type Compression } from '../../src/protocol/records/batch-header.ts'
import { decodeRecords } from '../../src/protocol/records/decode-records.ts'
import { encodeBatch } from '../../src/protocol/records/encode-batch.ts'
import type { PartitionHistory, ReadBatch } from './checker.ts'

export interface ProducerIdentity { readonly producerId: number, readonly producerEpoch: number, readonly baseSequence: number }

/** The one value that a record of this id has. */
export function valueOf (recordId: string): Buffer {
  const size = Number(recordId.slice(recordId.lastIndexOf('#') + 1))
  const value = Buffer.alloc(recordId.length + 1 + size, 97 + size % 26)
  value.write(`${recordId}|`)
  return value
}

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
      const text = Buffer.from(value ?? new Uint8Array(0))
      const id = text.toString('latin1', 0, Math.max(0, text.indexOf('|')))
      if (!text.equals(valueOf(id))) history.invented(`record at ${offset} is not what was sent. id=${id}`)
      return id
    })
    batches.push({ baseOffset: baseOffset(bytes, at), recordIds })
  }
  return batches
}
