import assert from 'node:assert/strict'
import { StreambedError } from '@streambed/sdk'
import fc from 'fast-check'
import { retentionStart } from '../../../src/broker/retention/retention-plan.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import type { StreamRange } from '../../../src/storage/catalog/catalog.ts'
import { BrokerFixture, type OpenBroker } from '../broker-fixture.ts'

/** Pieces of ten records each. */
function pieces (...facts: readonly { readonly bytes: number, readonly largestTimestamp: number, readonly committedMs?: number }[]): StreamRange[] {
  return facts.map((fact, index) => ({ objectId: index, startOffset: index * 10, endOffset: index * 10 + 10, ...fact }))
}

describe('retention plan', () => {
  const ranges = pieces({ bytes: 100, largestTimestamp: 1_000 }, { bytes: 100, largestTimestamp: 3_000 }, { bytes: 100, largestTimestamp: 2_000 })
  const cases = [
    { name: 'nothing without limits', isDeleted: true, retentionMs: -1, retentionBytes: -1, nowMs: 1e12, want: undefined },
    { name: 'nothing without the delete policy', isDeleted: false, retentionMs: 0, retentionBytes: 0, nowMs: 1e12, want: undefined },
    { name: 'the first by time', isDeleted: true, retentionMs: 500, retentionBytes: -1, nowMs: 2_600, want: 10 },
    { name: 'a record exactly as old as allowed stays', isDeleted: true, retentionMs: 500, retentionBytes: -1, nowMs: 1_500, want: undefined },
    { name: 'an old piece behind a newer one stays', isDeleted: true, retentionMs: 500, retentionBytes: -1, nowMs: 3_400, want: 10 },
    { name: 'all by time', isDeleted: true, retentionMs: 500, retentionBytes: -1, nowMs: 9_000, want: 30 },
    { name: 'by size while that much stays', isDeleted: true, retentionMs: -1, retentionBytes: 150, nowMs: 0, want: 10 },
    { name: 'by size down to exactly that much', isDeleted: true, retentionMs: -1, retentionBytes: 100, nowMs: 0, want: 20 },
    { name: 'all by size 0', isDeleted: true, retentionMs: -1, retentionBytes: 0, nowMs: 0, want: 30 },
    { name: 'by time and size together', isDeleted: true, retentionMs: 500, retentionBytes: 100, nowMs: 2_600, want: 20 }
  ]
  for (const { name, nowMs, want, ...config } of cases) it(name, () => assert.equal(retentionStart(ranges, config, nowMs), want))

  const timeless = { bytes: 1, largestTimestamp: -1 }
  const ages = [
    { name: 'a piece without timestamps ages from its commit', all: pieces({ ...timeless, committedMs: 1_000 }), nowMs: 1_501, want: 10 },
    { name: 'and stays as long', all: pieces({ ...timeless, committedMs: 1_000 }), nowMs: 1_500, want: undefined },
    { name: 'it does not hold up those behind it', all: pieces({ ...timeless, committedMs: 1_000 }, { bytes: 1, largestTimestamp: 900 }), nowMs: 1_501, want: 20 },
    { name: 'one of an earlier release, whose age nobody knows, stays alone', all: pieces(timeless), nowMs: 1e12, want: undefined },
    { name: 'it goes with the next that has had its time', all: pieces(timeless, timeless, { bytes: 1, largestTimestamp: 1_000 }), nowMs: 1_501, want: 30 },
    { name: 'and stays while the next is wanted', all: pieces(timeless, { bytes: 1, largestTimestamp: 1_000 }), nowMs: 1_500, want: undefined }
  ]
  for (const { all, name, nowMs, want } of ages) {
    it(name, () => assert.equal(retentionStart(all, { isDeleted: true, retentionMs: 500, retentionBytes: -1 }, nowMs), want))
  }

  it('always ends at the end of a piece and leaves the bytes that are wanted', () => {
    const piece = fc.record({ bytes: fc.integer({ min: 1, max: 1_000 }), largestTimestamp: fc.integer({ min: -1, max: 1_000 }) })
    fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), fc.integer({ min: 0, max: 5_000 }), (facts, retentionBytes) => {
      const all = pieces(...facts)
      const start = retentionStart(all, { isDeleted: true, retentionMs: -1, retentionBytes }, 0) ?? 0
      const left = all.filter(({ startOffset }) => startOffset >= start)
      const sum = left.reduce((total, { bytes }) => total + bytes, 0)
      assert.equal(start % 10, 0)
      assert.ok(start === 0 || sum >= retentionBytes)
      assert.ok(left.length === 0 || sum - left[0]!.bytes < retentionBytes)
    }))
  })
})

describe('retention', () => {
  async function startOf (broker: OpenBroker, topic: string): Promise<number> {
    const { topics } = await broker.request(ApiKey.ListOffsets, 1, { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }] })
    return topics[0]!.partitions[0]!.offset
  }

  it('deletes uploaded records once they are older than retention.ms, and the objects that held them', async () => {
    const fixture = new BrokerFixture()
    await using broker = await fixture.open()
    await broker.createTopic('short', 1, { 'retention.ms': '60000' })
    await broker.createTopic('kept', 1, { 'retention.ms': '60000', 'cleanup.policy': 'compact' })
    for (const topic of ['short', 'kept']) await broker.produce(topic, 0, [{ key: Buffer.from('k'), value: Buffer.from('v') }], { timestamp: fixture.clock.wallMs() })
    await broker.engine.flush()
    await broker.produce('short', 0, [{ key: null, value: Buffer.from('not uploaded') }], { timestamp: fixture.clock.wallMs() })
    await fixture.clock.run(299_000)
    assert.equal(await startOf(broker, 'short'), 0)
    await fixture.clock.run(2_000)
    assert.equal(await startOf(broker, 'short'), 1)
    assert.equal(await startOf(broker, 'kept'), 0)
    const { topics } = await broker.request(ApiKey.ListOffsets, 1, { replicaId: -1, topics: [{ name: 'short', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })
    assert.equal(topics[0]!.partitions[0]!.offset, 2)
  })

  it('survives a metadata log that fails, and deletes at the next check', async () => {
    const fixture = new BrokerFixture()
    let isDown = false
    fixture.wrapMetadataLog = log => new Proxy(log, {
      get: (target, name) => {
        if (name === 'append' && isDown) return () => Promise.reject(new StreambedError('UNAVAILABLE', 'down'))
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) as unknown : value
      }
    })
    await using broker = await fixture.open()
    await broker.createTopic('t', 1, { 'retention.ms': '1' })
    await broker.produce('t', 0, [{ key: null, value: Buffer.from('v') }], { timestamp: fixture.clock.wallMs() })
    await broker.engine.flush()
    isDown = true
    await fixture.clock.run(300_000)
    assert.equal(await startOf(broker, 't'), 0)
    assert.ok(fixture.log.some(({ level, message }) => level === 'warn' && message.includes('retention')))
    isDown = false
    await fixture.clock.run(300_000)
    assert.equal(await startOf(broker, 't'), 1)
  })
})
