import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { Consumer } from '@platformatic/kafka'
import type { Kafka, Producer } from 'kafkajs'
import { BrokerProcess } from '../support/broker-process.ts'
import { eventually } from './collector.ts'
import { Member, createTopic, kafkajsClient, withAdmin } from './kafkajs-client.ts'
import { MemberProcess } from './member-process.ts'

const partitions = 6
const all = Array.from({ length: partitions }, (_, partition) => partition)

describe('clients: consumer groups', () => {
  let broker: BrokerProcess
  let kafka: Kafka
  let producer: Producer
  before(async () => {
    broker = await BrokerProcess.start()
    kafka = kafkajsClient(broker.bootstrap)
    producer = kafka.producer()
    await producer.connect()
  })
  after(async () => {
    await producer?.disconnect()
    await broker?.[Symbol.asyncDispose]()
  })

  async function sendEach (topic: string, label: string): Promise<readonly string[]> {
    const values = all.map(partition => `${label}-${partition}`)
    await producer.send({ topic, messages: values.map((value, partition) => ({ partition, value })) })
    return values
  }

  it('kafkajs: partitions move as members come and leave', async () => {
    const topic = 'come-and-go'
    await createTopic(kafka, topic, partitions)
    const first = await Member.join(kafka, topic, topic)
    await first.untilPartitions(6)
    const second = await Member.join(kafka, topic, topic)
    await Promise.all([first.untilPartitions(3), second.untilPartitions(3)])
    const third = await Member.join(kafka, topic, topic)
    await Promise.all([first, second, third].map(async member => { await member.untilPartitions(2) }))
    assert.deepEqual([...first.partitions, ...second.partitions, ...third.partitions].sort((left, right) => left - right), all)
    await sendEach(topic, 'three')
    await Promise.all([first, second, third].map(async member => await member.records.untilCount(2)))
    await second.leave()
    await Promise.all([first.untilPartitions(3), third.untilPartitions(3)])
    await first.leave()
    await third.untilPartitions(6)
    await sendEach(topic, 'one')
    const values = await third.records.until(items => items.filter(({ message }) => message.value!.toString().startsWith('one')).length === 6)
    assert.equal(new Set(values.map(({ message }) => message.value!.toString())).size, values.length)
    await third.leave()
  })

  for (const client of ['kafkajs', 'platformatic'] as const) {
    it(`${client}: the partitions of a member that crashed are taken over, and nothing is skipped`, async () => {
      const topic = `crash-${client}`
      await createTopic(kafka, topic, partitions)
      const sent = [...await sendEach(topic, 'before')]
      await using survivor = new MemberProcess(client, broker.bootstrap, topic, topic)
      await survivor.untilPartitions(6)
      await using crasher = new MemberProcess(client, broker.bootstrap, topic, topic)
      await Promise.all([survivor.untilPartitions(3), crasher.untilPartitions(3)])
      sent.push(...await sendEach(topic, 'both'))
      await crasher.events.until(() => crasher.values.filter(value => value.startsWith('both')).length === 3)
      await crasher[Symbol.asyncDispose]()
      sent.push(...await sendEach(topic, 'after'))
      await survivor.untilPartitions(6)
      await survivor.events.until(() => survivor.values.filter(value => value.startsWith('after')).length === 6)
      assert.deepEqual([...new Set([...survivor.values, ...crasher.values])].sort(), sent.sort())
    })
  }

  it('a client without an assignor in common is refused, and does not disturb the group', async () => {
    const topic = 'strangers'
    await createTopic(kafka, topic, partitions)
    const member = await Member.join(kafka, topic, topic)
    await member.untilPartitions(6)
    const stranger = new Consumer({ clientId: 'stranger', bootstrapBrokers: [broker.bootstrap], groupId: topic, retries: 0, protocols: [{ name: 'of-its-own', version: 1 }] })
    await assert.rejects(stranger.joinGroup({ protocols: [{ name: 'of-its-own', version: 1 }] }), error => /INCONSISTENT_GROUP_PROTOCOL/.test(inspect(error, { depth: 6 })))
    await stranger.close(true)
    assert.equal(member.assignments.items.length, 1)
    await member.leave()
  })

  it('kafkajs: offsets committed survive the broker\'s being killed, and the member goes on', async () => {
    const topic = 'broker-crash'
    await createTopic(kafka, topic, partitions)
    const member = await Member.join(kafka, topic, topic)
    await member.untilPartitions(6)
    await sendEach(topic, 'before')
    await member.records.untilCount(6)
    await withAdmin(kafka, async admin => {
      const committed = await eventually(async () => await admin.fetchOffsets({ groupId: topic, topics: [topic] }), answer => answer[0]!.partitions.every(({ offset }) => offset === '1'))
      await broker.killAndRestart()
      assert.deepEqual(await admin.fetchOffsets({ groupId: topic, topics: [topic] }), committed)
    })
    const after = await sendEach(topic, 'after')
    await member.records.until(items => new Set(items.map(({ message }) => message.value!.toString())).isSupersetOf(new Set(after)))
    await member.leave()
    const successor = await Member.join(kafka, topic, topic)
    const next = await sendEach(topic, 'next')
    await successor.records.untilCount(6)
    assert.deepEqual([...successor.values].sort(), [...next].sort())
    await successor.leave()
  })
})
