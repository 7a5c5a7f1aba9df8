import assert from 'node:assert/strict'
import type { SeededRandom } from '@streambed/sdk/testing'
import { Compression, encodeBatch, kafkaErrorName } from '../../src/protocol/index.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import type { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { valueOf, type PartitionLedger } from './ledger.ts'
import { retriable, type Whereabouts } from './workload.ts'

export interface ProducerOptions {
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly ledger: PartitionLedger
  readonly where: Whereabouts
  readonly random: SeededRandom
  /** Requests sent before the first of them is answered; an idempotent producer may have five. */
  readonly inFlight: number
  readonly isIdempotent: boolean
  readonly recordBytes: number
  readonly compression: Compression
  /** Told of each acknowledged request. */
  readonly onAcknowledged: () => void
}

interface Batch { readonly index: number, readonly count: number }

const produceVersion = 9

/** Sends batch after batch; what is not acknowledged is sent again, the same, in the same order, until it is. */
export async function runProducer (options: ProducerOptions): Promise<void> {
  const { inFlight, isIdempotent, name, random, where } = options
  const unacknowledged: Batch[] = []
  let next = 0
  let producerId = -1
  await where.whileConnected(name, async connection => {
    if (isIdempotent && producerId < 0) producerId = await initProducerId(connection)
    while (!where.isOver) {
      while (unacknowledged.length < inFlight) {
        const count = 1 + random.below(20)
        unacknowledged.push({ index: next, count })
        next += count
      }
      await sendAll(connection, options, producerId, unacknowledged)
    }
  })
}

/** Sends all batches back to back and takes out those that were acknowledged. */
async function sendAll (connection: KafkaConnection, options: ProducerOptions, producerId: number, unacknowledged: Batch[]): Promise<void> {
  const outcomes = await Promise.allSettled(unacknowledged.map(batch => send(connection, options, producerId, batch)))
  let isPrefix = true
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled' && outcome.value) {
      // A plain producer that pipelines may see a later batch overtake a refused one; those here have one in flight.
      assert.ok(isPrefix, `${options.name}: a batch was appended after an earlier one had been refused`)
      unacknowledged.shift()
    } else isPrefix = false
  }
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** Whether the batch was acknowledged; false when it must be sent again. */
async function send (connection: KafkaConnection, options: ProducerOptions, producerId: number, { count, index }: Batch): Promise<boolean> {
  const { compression, isIdempotent, ledger, name, partition, recordBytes, topic } = options
  const records = encodeBatch(Array.from({ length: count }, (_, i) => ({ value: valueOf(name, index + i, recordBytes) })), {
    timestamp: 1_700_000_000_000 + index,
    compression,
    ...isIdempotent ? { producerId, producerEpoch: 0, baseSequence: index } : {}
  })
  const response = await connection.request(ApiKey.Produce, produceVersion, {
    transactionalId: null, acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index: partition, records }] }]
  })
  const { baseOffset, errorCode, errorMessage } = response.responses[0]!.partitionResponses[0]!
  if (errorCode === 0) {
    ledger.acknowledge({ offset: baseOffset, producer: name, index, count })
    options.onAcknowledged()
    return true
  }
  // Out of order is how the batches behind a refused one are refused.
  const isExpected = retriable.has(errorCode) || (errorCode === 45 && options.inFlight > 1)
  assert.ok(isExpected, `${name}: produce of record ${index} failed: ${kafkaErrorName(errorCode)} ${errorMessage ?? ''}`)
  return false
}

async function initProducerId (connection: KafkaConnection): Promise<number> {
  for (;;) {
    const { errorCode, producerId } = await connection.request(ApiKey.InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
    if (errorCode === 0) return producerId
    assert.ok(retriable.has(errorCode), `InitProducerId failed: ${kafkaErrorName(errorCode)}`)
  }
}
