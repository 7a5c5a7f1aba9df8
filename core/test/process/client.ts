import assert from 'node:assert/strict'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import { decodeRecords, encodeBatch, batches, nextOffset } from '../../src/protocol/index.ts'
import { nodeNetwork } from '../../src/runtime/node-network.ts'
import type { BrokerProcess } from '../support/broker-process.ts'

export function clientOf (broker: Pick<BrokerProcess, 'address'>): KafkaClient { return new KafkaClient(nodeNetwork, broker.address) }

/** Produces `values` to partition 0, one batch each. */
export async function produce (client: KafkaClient, broker: Pick<BrokerProcess, 'address'>, topic: string, values: readonly string[]): Promise<void> {
  for (const value of values) await client.produce(broker.address, { topic, partition: 0 }, encodeBatch([{ value: Buffer.from(value) }], { timestamp: 1 }))
}

/** All values of partition 0. */
export async function consumeAll (client: KafkaClient, broker: Pick<BrokerProcess, 'address'>, topic: string): Promise<string[]> {
  const values: string[] = []
  for (let offset = 0; ;) {
    const { highWatermark, records } = await client.fetch(broker.address, { topic, partition: 0 }, offset, 0)
    if (offset >= highWatermark) return values
    for (const { at, size } of batches(records)) {
      const batch = records.subarray(at, at + size)
      for (const { value } of decodeRecords(batch, 2 ** 24)) values.push(Buffer.from(value!).toString())
      offset = nextOffset(batch)
    }
    assert.ok(records.length > 0)
  }
}
