// Checks with @confluentinc/kafka-javascript (librdkafka); the first argument names one, the second is a broker. Fails with what went wrong.
import confluent from '@confluentinc/kafka-javascript'
import assert from 'node:assert/strict'

const { Kafka, logLevel } = confluent.KafkaJS
const [name, bootstrap] = process.argv.slice(2)
const kafka = new Kafka({ kafkaJS: { brokers: [bootstrap], logLevel: logLevel.NOTHING }, 'broker.address.family': 'v4' })
const range = count => Array.from({ length: count }, (_, index) => index)

async function produce (topic, values, settings = {}) {
  const producer = kafka.producer(settings)
  await producer.connect()
  try {
    return await producer.send({ topic, messages: values.map(value => ({ key: 'k', value, headers: { h: '1' } })) })
  } finally {
    await producer.disconnect()
  }
}

/** Joins `group` and resolves with the first `count` messages, committed. */
async function consume (topic, count, group, settings = {}) {
  const consumer = kafka.consumer({ kafkaJS: { groupId: group, fromBeginning: true, autoCommit: false }, ...settings })
  const messages = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topic })
    await new Promise((resolve, reject) => {
      consumer.run({
        eachMessage: async ({ message, partition }) => {
          if (messages.length === count) return
          messages.push(message)
          if (messages.length < count) return
          await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
          resolve()
        }
      }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return messages
}

async function admin (action) {
  const client = kafka.admin()
  await client.connect()
  try {
    return await action(client)
  } finally {
    await client.disconnect()
  }
}

const checks = {
  async records () {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const topic = `rdkafka-${codec}`
      const values = range(200).map(index => `${codec}-${index}`)
      await produce(topic, values, { 'compression.type': codec, 'enable.idempotence': true })
      const messages = await consume(topic, 200, topic)
      assert.deepEqual(messages.map(({ value }) => value.toString()), values)
      assert.deepEqual(messages.map(({ offset }) => Number(offset)), range(200))
      assert.equal(messages[0].key.toString(), 'k')
      assert.equal(String(messages[0].headers.h), '1')
    }
  },

  async group () {
    await produce('rdkafka-group', range(50).map(String))
    const first = await consume('rdkafka-group', 30, 'rdkafka-g', { 'group.instance.id': 'static-1' })
    assert.deepEqual(first.map(({ value }) => value.toString()), range(30).map(String))
    const second = await consume('rdkafka-group', 20, 'rdkafka-g', { 'group.instance.id': 'static-1' })
    assert.deepEqual(second.map(({ value }) => value.toString()), range(50).slice(30).map(String))
  },

  async seek () {
    await produce('rdkafka-seek', range(100).map(String))
    const [{ low, high }] = await admin(client => client.fetchTopicOffsets('rdkafka-seek'))
    assert.deepEqual([low, high], ['0', '100'])
    const [message] = await consume('rdkafka-seek', 1, 'rdkafka-seek')
    const [{ offset }] = await admin(client => client.fetchTopicOffsetsByTimestamp('rdkafka-seek', Number(message.timestamp)))
    assert.equal(offset, '0')
  },

  async admin () {
    await admin(async client => {
      await client.createTopics({ topics: [{ topic: 'rdkafka-admin', numPartitions: 3 }] })
      assert.equal(await client.createTopics({ topics: [{ topic: 'rdkafka-admin' }] }), false)
      const [topic] = await client.fetchTopicMetadata({ topics: ['rdkafka-admin'] })
      assert.equal(topic.partitions.length, 3)
      await client.deleteTopics({ topics: ['rdkafka-admin'] })
      assert.ok(!(await client.listTopics()).includes('rdkafka-admin'))
      const { groups: [group] } = await client.describeGroups(['rdkafka-seek'])
      assert.equal(group.groupId, 'rdkafka-seek')
      await client.deleteGroups(['rdkafka-seek'])
    })
  }
}

await checks[name]()
