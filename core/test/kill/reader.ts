import assert from 'node:assert/strict'
import { kafkaErrorName, nextOffset, batches } from '../../src/protocol/index.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import type { KafkaConnection } from '../../src/client/kafka-connection.ts'
import type { PartitionLedger } from './ledger.ts'
import { retriable, type Whereabouts } from './workload.ts'

export interface ReaderOptions {
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly ledger: PartitionLedger
  readonly where: Whereabouts
  /** Begins again at the first offset whenever it has come to the end: reads from objects, not from memory. */
  readonly isRepeating: boolean
}

const fetchVersion = 11

/** Reads on and on, over crashes; what one reader saw, every reader must see. */
export async function runReader ({ isRepeating, ledger, name, partition, topic, where }: ReaderOptions): Promise<void> {
  let offset = 0
  await where.whileConnected(name, async connection => {
    while (!where.isOver) {
      const { highWatermark, records } = await fetchAt(connection, topic, partition, offset, 1_000)
      if (records === undefined) continue
      assert.ok(highWatermark >= offset, `${ledger.name}: the high watermark went back to ${highWatermark}, a reader is at ${offset}`)
      offset = ledger.see(records, offset)
      if (isRepeating && offset >= highWatermark) offset = 0
    }
  })
}

/** The whole log of a partition. */
export async function readAll (connection: KafkaConnection, topic: string, partition: number): Promise<Uint8Array[]> {
  const log: Uint8Array[] = []
  for (let offset = 0; ;) {
    const { highWatermark, records } = await fetchAt(connection, topic, partition, offset, 0)
    if (records === undefined) continue
    if (offset >= highWatermark) return log
    for (const { at, size } of batches(records)) offset = nextOffset(records.subarray(at, at + size))
    log.push(records)
  }
}

/** Records are absent when the broker asks to be asked again. */
async function fetchAt (connection: KafkaConnection, topic: string, partition: number, fetchOffset: number, maxWaitMs: number): Promise<{ readonly highWatermark: number, readonly records: Uint8Array | undefined }> {
  const response = await connection.request(ApiKey.Fetch, fetchVersion, {
    maxWaitMs, minBytes: 1, topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1024 * 1024 }] }]
  })
  assert.equal(response.errorCode, 0, `fetch failed: ${kafkaErrorName(response.errorCode)}`)
  const { errorCode, highWatermark, records } = response.responses[0]!.partitions[0]!
  if (retriable.has(errorCode)) return { highWatermark, records: undefined }
  assert.equal(errorCode, 0, `fetch of ${topic}-${partition} at ${fetchOffset} failed: ${kafkaErrorName(errorCode)}, high watermark ${highWatermark}`)
  return { highWatermark, records: records ?? new Uint8Array(0) }
}
