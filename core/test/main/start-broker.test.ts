import assert from 'node:assert/strict'
import { startBroker } from '@streambed/core'
import { StreambedError } from '@streambed/sdk'
import { Member, createTopic, kafkajsClient } from '../clients/kafkajs-client.ts'

describe('a broker embedded in a test', () => {
  it('serves a real client: produces, consumes in a group', async () => {
    await using broker = await startBroker()
    const kafka = kafkajsClient(broker.bootstrap)
    await createTopic(kafka, 'orders')
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const values = Array.from({ length: 100 }, (_, n) => `order ${n}`)
    await producer.send({ topic: 'orders', messages: values.map(value => ({ value })) })
    await producer.disconnect()
    const member = await Member.join(kafka, 'orders', 'billing')
    await member.records.untilCount(values.length)
    await member.leave()
    assert.deepEqual(member.values, values)
  })

  it('shares nothing with another one, nor with the one before it', async () => {
    await using first = await startBroker()
    await using second = await startBroker({ port: 0 })
    assert.notEqual(first.port, second.port)
    const admins = [first, second].map(({ bootstrap }) => kafkajsClient(bootstrap).admin())
    await Promise.all(admins.map(admin => admin.connect()))
    await admins[0]!.createTopics({ topics: [{ topic: 'mine' }] })
    assert.deepEqual((await admins[1]!.listTopics()).filter(topic => !topic.startsWith('__')), [])
    await Promise.all(admins.map(admin => admin.disconnect()))
    await first.stop()
    await using again = await startBroker({ port: first.port })
    const admin = kafkajsClient(again.bootstrap).admin()
    await admin.connect()
    assert.deepEqual((await admin.listTopics()).filter(topic => !topic.startsWith('__')), [])
    await admin.disconnect()
  })

  it('takes Kafka settings, and refuses those that it does not know', async () => {
    await using broker = await startBroker({ kafka: { 'num.partitions': 7, 'auto.create.topics.enable': true } })
    const kafka = kafkajsClient(broker.bootstrap)
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'made', messages: [{ value: 'x' }] })
    await producer.disconnect()
    const admin = kafka.admin()
    await admin.connect()
    assert.equal((await admin.fetchTopicMetadata({ topics: ['made'] })).topics[0]?.partitions.length, 7)
    await admin.disconnect()
    await assert.rejects(startBroker({ kafka: { 'num.partitons': 7 } }), error => StreambedError.is(error, 'MISCONFIGURED') && /num\.partitons/.test(error.message))
  })

  it('says when its port is taken', async () => {
    await using broker = await startBroker()
    await assert.rejects(startBroker({ port: broker.port }), error => StreambedError.is(error) && error.message.includes(String(broker.port)))
  })

  it('stops twice as well as once', async () => {
    const broker = await startBroker()
    await broker.stop()
    await broker.stop()
  })
})
