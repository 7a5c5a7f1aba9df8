import assert from 'node:assert/strict'
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers, type ConsumeOptions } from '@platformatic/kafka'
import { BrokerProcess } from '../support/broker-process.ts'

type Texts = ConsumeOptions<string, string, string, string>
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

describe('platformatic', () => {
  let broker: BrokerProcess
  let admin: Admin
  before(async () => {
    broker = await BrokerProcess.start()
    admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrap], retries: 0 })
  })
  after(async () => {
    await admin?.close()
    await broker?.[Symbol.asyncDispose]()
  })

  for (const compression of codecs) {
    it(`produces and consumes in order with compression ${compression}`, async () => {
      const topic = `compression-${compression}`
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
      const want = Array.from({ length: 500 }, (_, index) => `${compression} ${index} ${'x'.repeat(index)}`)
      await produce(topic, want, compression)
      const got = await consume(topic, want.length, { mode: 'earliest' })
      assert.deepEqual(got.map(({ value }) => value), want)
      assert.deepEqual(got.map(({ offset }) => Number(offset)), want.map((_, index) => index))
      assert.deepEqual([got[0]!.key, got[0]!.headers.get('h')], ['k', '1'])
    })
  }

  it('finds offsets by time, and reads from any of them', async () => {
    await admin.createTopics({ topics: ['seek'], partitions: 1, replicas: 1 })
    await produce('seek', Array.from({ length: 10 }, (_, index) => `${index}`), 'none', index => BigInt(1_000 + index * 10))
    await using consumer = consumerOf('seek-times')
    const offsetAt = async (timestamp: bigint): Promise<bigint | undefined> => (await consumer.listOffsets({ topics: ['seek'], partitions: { seek: [0] }, timestamp })).get('seek')?.[0]
    assert.deepEqual([await offsetAt(1_000n), await offsetAt(1_001n), await offsetAt(1_090n), await offsetAt(1_091n)], [0n, 1n, 9n, -1n])
    assert.deepEqual([await offsetAt(-2n), await offsetAt(-1n)], [0n, 10n])
    const got = await consume('seek', 3, { mode: 'manual', offsets: [{ topic: 'seek', partition: 0, offset: 7n }] })
    assert.deepEqual(got.map(({ value }) => value), ['7', '8', '9'])
  })

  it('creates, enlarges, lists and deletes topics, and is told why not', async () => {
    const [created] = await admin.createTopics({ topics: ['made'], partitions: 2, replicas: 1, configs: [{ name: 'retention.ms', value: '1000000' }] })
    assert.deepEqual([created?.partitions, created?.replicas, created?.configuration['retention.ms']], [2, 1, '1000000'])
    await assert.rejects(admin.createTopics({ topics: ['made'], partitions: 2, replicas: 1 }), saying(/already exists/i))
    await admin.createPartitions({ topics: [{ name: 'made', count: 4, assignments: null as never }] })
    assert.ok((await admin.listTopics()).includes('made'))
    await admin.deleteTopics({ topics: ['made'] })
    assert.ok(!(await admin.listTopics()).includes('made'))
    await assert.rejects(admin.deleteTopics({ topics: ['made'] }), saying(/does not host|unknown/i))
  })

  it('lists, describes and deletes groups, and reads and moves their offsets', async () => {
    await admin.createTopics({ topics: ['grouped'], partitions: 1, replicas: 1 })
    await produce('grouped', ['a', 'b', 'c'], 'none')
    await consume('grouped', 3, { mode: 'earliest', groupId: 'grouped' })
    assert.equal((await admin.listGroups()).get('grouped')?.protocolType, 'consumer')
    assert.equal((await admin.describeGroups({ groups: ['grouped'] })).get('grouped')?.state, 'EMPTY')
    const committed = async (): Promise<bigint | undefined> => (await admin.listConsumerGroupOffsets({ groups: ['grouped'] }))[0]?.topics[0]?.partitions[0]?.committedOffset
    assert.equal(await committed(), 3n)
    await admin.alterConsumerGroupOffsets({ groupId: 'grouped', topics: [{ name: 'grouped', partitionOffsets: [{ partition: 0, offset: 1n }] }] })
    assert.equal(await committed(), 1n)
    await admin.deleteGroups({ groups: ['grouped'] })
    assert.ok(!(await admin.listGroups()).has('grouped'))
  })

  async function produce (topic: string, values: readonly string[], compression: typeof codecs[number], timestampOf?: (index: number) => bigint): Promise<void> {
    const producer = new Producer({ clientId: 'producer', bootstrapBrokers: [broker.bootstrap], serializers: stringSerializers, compression })
    try {
      await producer.send({ messages: values.map((value, index) => ({ topic, key: 'k', value, headers: { h: '1' }, ...timestampOf === undefined ? {} : { timestamp: timestampOf(index) } })) })
    } finally {
      await producer.close()
    }
  }

  function consumerOf (groupId: string): ClosingConsumer {
    return new ClosingConsumer({ clientId: 'consumer', bootstrapBrokers: [broker.bootstrap], groupId, maxWaitTime: 100, deserializers: stringDeserializers })
  }

  /** The first `count` records of `topic` from where `options` say, committed. */
  async function consume (topic: string, count: number, { groupId, ...options }: Partial<Texts> & { readonly groupId?: string }): Promise<{ readonly key: string, readonly value: string, readonly offset: bigint, readonly headers: ReadonlyMap<string, string> }[]> {
    await using consumer = consumerOf(groupId ?? `${topic}-readers`)
    const stream = await consumer.consume({ topics: [topic], autocommit: false, ...options })
    const got = []
    for await (const message of stream) {
      got.push(message)
      if (got.length < count) continue
      await message.commit()
      break
    }
    await stream.close()
    return got
  }
})

class ClosingConsumer extends Consumer<string, string, string, string> {
  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }
}

/** Whether an error, or one of those that it gathers, speaks of `pattern`. */
function saying (pattern: RegExp): (error: unknown) => boolean {
  return function says (error: unknown): boolean {
    const { cause, errors = [], message } = error as Error & { readonly errors?: readonly unknown[] }
    return pattern.test(message) || errors.some(says) || (cause !== undefined && says(cause))
  }
}
