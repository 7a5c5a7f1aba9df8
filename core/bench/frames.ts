// Ready-made request frames: the generator encodes once and sends the same bytes again and again.
import { decodeResponse, encodeRequest } from '../src/protocol/frames.ts'
import { ApiKey } from '../src/protocol/messages/apis.ts'
import { encodeBatch } from '../src/protocol/records/encode-batch.ts'

const produceVersion = 9
const fetchVersion = 12

/** A Produce request of records of `recordBytes` each, together about `requestBytes`. */
export function produceFrame (topic: string, partition: number, requestBytes: number, recordBytes: number): { readonly frame: Buffer, readonly payloadBytes: number, readonly payloadAt: number } {
  const value = Buffer.alloc(recordBytes, 'x')
  const batch = encodeBatch(Array.from({ length: Math.max(1, Math.floor(requestBytes / recordBytes)) }, () => ({ value })), { timestamp: Date.now() })
  const frame = encodeRequest(ApiKey.Produce, produceVersion, 1, 'bench', {
    transactionalId: null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }]
  })
  return { frame, payloadBytes: batch.length, payloadAt: frame.indexOf(batch) }
}

/** Throws unless the answer says that every partition took its records. */
export function checkProduced (answer: Buffer): void {
  const { body } = decodeResponse(ApiKey.Produce, produceVersion, answer)
  for (const { partitionResponses } of body.responses) for (const { errorCode } of partitionResponses) if (errorCode !== 0) throw new Error(`produce failed with code ${errorCode}`)
}

export function fetchFrame (topic: string, partition: number, offset: number, bytesMax: number): Buffer {
  return encodeRequest(ApiKey.Fetch, fetchVersion, 1, 'bench', {
    maxWaitMs: 1_000,
    minBytes: 1,
    maxBytes: bytesMax,
    topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: bytesMax }] }]
  })
}

export function decodeFetched (answer: Buffer): { readonly records: Uint8Array, readonly highWatermark: number } {
  const result = decodeResponse(ApiKey.Fetch, fetchVersion, answer).body.responses[0]!.partitions[0]!
  if (result.errorCode !== 0) throw new Error(`fetch failed with code ${result.errorCode}`)
  return { records: result.records ?? Buffer.alloc(0), highWatermark: result.highWatermark }
}

export function createTopicFrame (topic: string, partitions: number): Buffer {
  return encodeRequest(ApiKey.CreateTopics, 5, 1, 'bench', {
    topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [{ name: 'max.message.bytes', value: '8388608' }] }],
    timeoutMs: 10_000,
    validateOnly: false
  })
}
