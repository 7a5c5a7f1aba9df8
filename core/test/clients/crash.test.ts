import assert from 'node:assert/strict'
import { Producer, ProduceAcks, stringSerializers } from '@platformatic/kafka'
import { BrokerProcess } from '../support/broker-process.ts'
import { Member, createTopic, kafkajsClient } from './kafkajs-client.ts'

const kills = 4
const sendsPerKill = 25

describe('clients: a broker that is killed', () => {
  it('kafkajs: an idempotent producer loses and repeats nothing', async () => {
    await using broker = await BrokerProcess.start()
    const kafka = kafkajsClient(broker.bootstrap)
    await createTopic(kafka, 'exact')
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const sent = await sendAcrossKills(broker, async value => { await producer.send({ topic: 'exact', messages: [{ value }] }) })
    await producer.disconnect()
    const member = await Member.join(kafka, 'exact', 'exact')
    await member.records.untilCount(sent.length)
    await member.leave()
    assert.deepEqual(member.values, sent)
  })

  it('kafkajs: what a plain producer was told is durable is there, in order', async () => {
    await using broker = await BrokerProcess.start()
    const kafka = kafkajsClient(broker.bootstrap)
    await createTopic(kafka, 'plain')
    const producer = kafka.producer()
    await producer.connect()
    const sent = await sendAcrossKills(broker, async value => { await producer.send({ topic: 'plain', messages: [{ value }] }) })
    await producer.disconnect()
    const member = await Member.join(kafka, 'plain', 'plain')
    await member.records.until(() => member.values.at(-1) === sent.at(-1))
    await member.leave()
    // A retry may repeat a record, at once.
    assert.deepEqual(member.values.filter((value, index, all) => value !== all[index - 1]), sent)
    assert.deepEqual(member.records.items.map(({ message }) => Number(message.offset)), member.values.map((_, index) => index))
  })

  it('platformatic: an idempotent producer loses and repeats nothing', async () => {
    await using broker = await BrokerProcess.start()
    const kafka = kafkajsClient(broker.bootstrap)
    await createTopic(kafka, 'exact')
    await using producer = new ClosingProducer({ clientId: 'idempotent', bootstrapBrokers: [broker.bootstrap], idempotent: true, acks: ProduceAcks.ALL, serializers: stringSerializers, retries: 50, retryDelay: 50 })
    const sent = await sendAcrossKills(broker, async value => { await producer.send({ messages: [{ topic: 'exact', value }] }) })
    const member = await Member.join(kafka, 'exact', 'exact')
    await member.records.untilCount(sent.length)
    await member.leave()
    assert.deepEqual(member.values, sent)
  })
})

class ClosingProducer extends Producer<string, string, string, string> {
  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }
}

/** Sends records one after the other while the broker is killed and started again, each time with one on its way. */
async function sendAcrossKills (broker: BrokerProcess, send: (value: string) => Promise<void>): Promise<readonly string[]> {
  const sent: string[] = []
  let restarting: Promise<void> = Promise.resolve()
  for (let index = 0; index < kills * sendsPerKill; index++) {
    const sending = send(`record ${index}`)
    if (index % sendsPerKill === sendsPerKill - 1) {
      await restarting
      restarting = broker.killAndRestart()
    }
    await sending
    sent.push(`record ${index}`)
  }
  await restarting
  return sent
}
