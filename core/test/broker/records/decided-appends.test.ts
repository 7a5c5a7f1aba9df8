import assert from 'node:assert/strict'
import { faultyObjectStore } from '@streambed/sdk/testing'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import { encodeBatch } from '../../../src/protocol/records/encode-batch.ts'
import { BrokerFixture, type OpenBroker } from '../broker-fixture.ts'

/** What the broker answers to one batch, acks=all: error code and base offset. */
async function produce (broker: OpenBroker, records: Uint8Array): Promise<readonly [number, number]> {
  const { responses: [response] } = await broker.request(ApiKey.Produce, 11, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData: [{ name: 't', partitionData: [{ index: 0, records }] }] })
  const partition = response!.partitionResponses[0]!
  return [partition.errorCode, partition.baseOffset]
}

const idempotent = (baseSequence: number, size = 10): Uint8Array =>
  encodeBatch([{ key: null, value: Buffer.alloc(size, 'v') }], { timestamp: 1, producerId: 5, producerEpoch: 0, baseSequence })

describe('an append that is decided at once', () => {
  it('after a refused one, repeats of confirmed batches are answered as confirmed, and the refused one may come again', async () => {
    const fixture = new BrokerFixture()
    let isDown = true
    fixture.wrapStore = store => faultyObjectStore(store, { clock: fixture.clock, plan: () => isDown ? { kind: 'failBefore' } : { kind: 'none' } })
    await using broker = await fixture.open({ storage: { pendingBytesMax: 64 * 1024 } })
    await broker.createTopic('t')
    assert.deepEqual(await produce(broker, idempotent(0)), [KafkaErrorCode.NONE, 0])
    const refused = idempotent(1, 100 * 1024)
    for (let attempt = 0; attempt < 2; attempt++) {
      assert.deepEqual((await produce(broker, refused))[0], KafkaErrorCode.KAFKA_STORAGE_ERROR)
      assert.deepEqual(await produce(broker, idempotent(0)), [KafkaErrorCode.NONE, 0], 'it is durable, whatever was refused since')
    }
    assert.deepEqual(await produce(broker, idempotent(1)), [KafkaErrorCode.NONE, 1], 'the refused one took neither offset nor sequence')
    isDown = false
  })

  it('one that is under way at a takeover is in doubt, of an idempotent producer and of a plain one; one that comes after it is not', async () => {
    for (const first of [idempotent(1), encodeBatch([{ key: null, value: Buffer.from('plain') }], { timestamp: 1 })]) {
      const fixture = new BrokerFixture()
      await using broker = await fixture.open()
      await broker.createTopic('t')
      await produce(broker, idempotent(0))
      fixture.walMedium.highestEpoch = 1_000_000
      assert.equal((await produce(broker, first))[0], KafkaErrorCode.REQUEST_TIMED_OUT)
      assert.equal((await produce(broker, encodeBatch([{ key: null, value: Buffer.from('after') }], { timestamp: 1 })))[0], KafkaErrorCode.NOT_LEADER_OR_FOLLOWER)
    }
  })
})
