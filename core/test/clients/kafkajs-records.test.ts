import assert from 'node:assert/strict'
import kafkajs, { type Kafka } from 'kafkajs'
import { BrokerProcess } from '../support/broker-process.ts'
import { Member, createTopic, kafkajsClient, withAdmin } from './kafkajs-client.ts'

const { CompressionTypes } = kafkajs

describe('kafkajs: records', () => {
  let broker: BrokerProcess
  let kafka: Kafka
  before(async () => {
    broker = await BrokerProcess.start()
    kafka = kafkajsClient(broker.bootstrap)
  })
  after(async () => { await broker?.[Symbol.asyncDispose]() })

  for (const [name, compression] of Object.entries({ none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD })) {
    it(`produces and consumes in order with compression ${name}`, async () => {
      const topic = `compression-${name}`
      await createTopic(kafka, topic)
      const want = Array.from({ length: 500 }, (_, index) => `${name} ${index} ${'x'.repeat(index)}`)
      const producer = kafka.producer()
      await producer.connect()
      for (let at = 0; at < want.length; at += 100) {
        const sent = await producer.send({ topic, compression, messages: want.slice(at, at + 100).map(value => ({ value })) })
        assert.equal(sent[0]?.baseOffset, String(at))
      }
      await producer.disconnect()
      const member = await Member.join(kafka, topic, `${topic}-group`)
      assert.deepEqual(await member.untilValues(want.length), want)
      assert.deepEqual(member.records.items.map(({ message }) => Number(message.offset)), want.map((_, index) => index))
      await member.leave()
    })
  }

  it('keeps keys, null keys, null values, empty values, headers and timestamps', async () => {
    await createTopic(kafka, 'shapes')
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({
      topic: 'shapes',
      messages: [
        { key: 'k', value: 'v', headers: { one: 'a', many: ['b', 'c'], bytes: Buffer.from([0, 255]) }, timestamp: '1700000000123' },
        { key: null, value: 'no key' },
        { key: 'tombstone', value: null },
        { key: '', value: '' }
      ]
    })
    await producer.disconnect()
    const member = await Member.join(kafka, 'shapes', 'shapes-group')
    await member.records.untilCount(4)
    await member.leave()
    const [full, keyless, tombstone, empty] = member.records.items.map(({ message }) => message)
    assert.equal(full?.key?.toString(), 'k')
    assert.equal(full?.timestamp, '1700000000123')
    assert.deepEqual(full?.headers, { one: Buffer.from('a'), many: [Buffer.from('b'), Buffer.from('c')], bytes: Buffer.from([0, 255]) })
    assert.equal(keyless?.key, null)
    assert.equal(tombstone?.value, null)
    assert.equal(empty?.value?.length, 0)
    assert.equal(empty?.key?.length, 0)
  })

  it('carries a record just below max.message.bytes, and is told of one above', async () => {
    await createTopic(kafka, 'large', 1, { 'max.message.bytes': '2000000' })
    const producer = kafka.producer()
    await producer.connect()
    const largest = Buffer.alloc(1_999_900, 7)
    await producer.send({ topic: 'large', messages: [{ value: largest }] })
    await assert.rejects(producer.send({ topic: 'large', messages: [{ value: Buffer.alloc(2_000_001) }] }), { type: 'MESSAGE_TOO_LARGE' })
    await producer.disconnect()
    const member = await Member.join(kafka, 'large', 'large-group')
    await member.records.untilCount(1)
    await member.leave()
    assert.ok(member.records.items[0]?.message.value?.equals(largest))
  })

  it('spreads concurrent producers over many partitions, each dense and in order', async () => {
    const partitions = 60
    await createTopic(kafka, 'many', partitions)
    const producers = 8
    const rounds = 20
    await Promise.all(Array.from({ length: producers }, async (_, writer) => {
      const producer = kafka.producer({ maxInFlightRequests: 4 })
      await producer.connect()
      for (let round = 0; round < rounds; round++) {
        await producer.send({ topic: 'many', messages: Array.from({ length: partitions }, (_, partition) => ({ partition, value: JSON.stringify({ writer, round }) })) })
      }
      await producer.disconnect()
    }))
    const member = await Member.join(kafka, 'many', 'many-group')
    await member.records.untilCount(partitions * producers * rounds)
    await member.leave()
    const offsets = Map.groupBy(member.records.items, ({ partition }) => partition)
    assert.equal(offsets.size, partitions)
    for (const records of offsets.values()) {
      assert.deepEqual(records.map(({ message }) => Number(message.offset)), Array.from({ length: producers * rounds }, (_, index) => index))
      for (let writer = 0; writer < producers; writer++) {
        const rounds = records.map(({ message }) => JSON.parse(message.value!.toString()) as { writer: number, round: number }).filter(record => record.writer === writer)
        assert.deepEqual(rounds.map(({ round }) => round), rounds.map((_, index) => index))
      }
    }
  })

  it('starts at the end of the log where a consumer does not ask for the beginning', async () => {
    await createTopic(kafka, 'tail')
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'tail', messages: [{ value: 'before' }] })
    const member = await Member.join(kafka, 'tail', 'tail-group', { fromBeginning: false })
    // The start is resolved at the first fetch, which the client tells of.
    await new Promise<void>(resolve => { member.consumer.on('consumer.fetch', () => resolve()) })
    await producer.send({ topic: 'tail', messages: [{ value: 'after' }] })
    assert.deepEqual(await member.untilValues(1), ['after'])
    await member.leave()
    await producer.disconnect()
  })

  it('seeks by timestamp, to the first record at or after it', async () => {
    await createTopic(kafka, 'times')
    const producer = kafka.producer()
    await producer.connect()
    for (let batch = 0; batch < 5; batch++) {
      await producer.send({ topic: 'times', messages: Array.from({ length: 10 }, (_, index) => ({ value: `${batch * 10 + index}`, timestamp: String(1_000_000 + (batch * 10 + index) * 10) })) })
    }
    await producer.disconnect()
    const cases = [
      { at: 0, want: '0' },
      { at: 1_000_000, want: '0' },
      { at: 1_000_235, want: '24' },
      { at: 1_000_240, want: '24' },
      { at: 1_000_490, want: '49' },
      { at: 1_000_491, want: '50' } // kafkajs takes the end of the log where no record is that late
    ]
    await withAdmin(kafka, async admin => {
      for (const { at, want } of cases) assert.deepEqual(await admin.fetchTopicOffsetsByTimestamp('times', at), [{ partition: 0, offset: want }])
      assert.deepEqual(await admin.fetchTopicOffsets('times'), [{ partition: 0, offset: '50', high: '50', low: '0' }])
    })
    const member = await Member.join(kafka, 'times', 'times-group')
    await member.records.untilCount(50)
    member.consumer.seek({ topic: 'times', partition: 0, offset: '24' })
    await member.records.untilCount(76)
    assert.equal(member.values[50], '24')
    await member.leave()
  })

  it('creates a topic that a producer asks for', async () => {
    const producer = kafka.producer({ allowAutoTopicCreation: true })
    await producer.connect()
    const sent = await producer.send({ topic: 'made-on-demand', messages: [{ value: 'x' }] })
    assert.equal(sent[0]?.errorCode, 0)
    const unacknowledged = await producer.send({ topic: 'made-on-demand', acks: 0, messages: [{ value: 'y' }] })
    assert.deepEqual(unacknowledged, [])
    const leader = await producer.send({ topic: 'made-on-demand', acks: 1, messages: [{ value: 'z' }] })
    assert.equal(leader[0]?.baseOffset, '2')
    await producer.disconnect()
  })
})
