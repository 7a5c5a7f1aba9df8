import assert from 'node:assert/strict'
import { startBroker } from '@streambed/core'
import kafkajs, { type Kafka } from 'kafkajs'
import { StockKeeper, type Order, type Shortage } from '../src/stock-keeper.ts'

describe('the stock keeper', () => {
  it('tells of orders that it cannot deliver, with what is left, and of no others', async () => {
    await using broker = await startBroker()
    const kafka = clientOf(broker.bootstrap)
    await createTopics(kafka, 'orders', 'shortages')
    await using _ = await StockKeeper.start(kafka, { bolt: 10, nut: 1 })
    await sendOrders(kafka, [
      { id: '1', item: 'bolt', count: 7 },
      { id: '2', item: 'bolt', count: 4 },
      { id: '3', item: 'bolt', count: 3 },
      { id: '4', item: 'nut', count: 2 }
    ])
    assert.deepEqual((await shortages(kafka, 2)).map(({ left, order }) => [order.id, left]), [['2', 3], ['4', 1]])
  })

  it('goes on after those that an earlier one has taken', async () => {
    await using broker = await startBroker()
    const kafka = clientOf(broker.bootstrap)
    await createTopics(kafka, 'orders', 'shortages')
    {
      await using _ = await StockKeeper.start(kafka, {})
      await sendOrders(kafka, [{ id: '1', item: 'bolt', count: 1 }])
      await shortages(kafka, 1)
    }
    await sendOrders(kafka, [{ id: '2', item: 'bolt', count: 1 }])
    await using _ = await StockKeeper.start(kafka, {})
    assert.deepEqual((await shortages(kafka, 2)).map(({ order }) => order.id), ['1', '2'])
  })
})

function clientOf (bootstrap: string): Kafka { return new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING }) }

async function createTopics (kafka: Kafka, ...topics: readonly string[]): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: topics.map(topic => ({ topic })) })
  await admin.disconnect()
}

async function sendOrders (kafka: Kafka, orders: readonly Order[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', messages: orders.map(order => ({ key: order.item, value: JSON.stringify(order) })) })
  await producer.disconnect()
}

/** The first `count` shortages, once they are there. */
async function shortages (kafka: Kafka, count: number): Promise<readonly Shortage[]> {
  const consumer = kafka.consumer({ groupId: `reader-${count}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'shortages', fromBeginning: true })
  const found: Shortage[] = []
  await new Promise<void>((resolve, reject) => {
    consumer.run({
      eachMessage: async ({ message }) => {
        found.push(JSON.parse(message.value!.toString()) as Shortage)
        if (found.length === count) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  return found
}
