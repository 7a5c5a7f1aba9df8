import assert from 'node:assert/strict'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { BrokerFixture } from './broker-fixture.ts'

describe('broker over memory doubles', () => {
  it('serves what it acknowledged after it is opened again', async () => {
    const fixture = new BrokerFixture()
    {
      await using first = await fixture.open()
      await first.createTopic('orders', 2)
      assert.equal(await first.produce('orders', 1, [{ key: null, value: Buffer.from('a') }, { key: null, value: Buffer.from('b') }], { timestamp: fixture.clock.wallMs() }), 0)
    }
    await using second = await fixture.open()
    const { topics } = await second.request(ApiKey.ListOffsets, 1, { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 1, timestamp: -1 }] }] })
    assert.equal(topics[0]!.partitions[0]!.offset, 2)
  })
})
