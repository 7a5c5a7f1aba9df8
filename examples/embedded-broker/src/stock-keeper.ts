import type { Consumer, Kafka, Producer } from 'kafkajs'

export interface Order { readonly id: string, readonly item: string, readonly count: number }
/** An order that could not be delivered. */
export interface Shortage { readonly order: Order, readonly left: number }

/** kafkajs waits for its last fetch before it disconnects, and a fetch waits this long for records. */
const fetchWaitMs = 100

/** Takes orders from the topic `orders`, one after the other; what is out of stock is told on `shortages`. */
export class StockKeeper implements AsyncDisposable {
  readonly #consumer: Consumer
  readonly #producer: Producer
  readonly #left: Map<string, number>

  static async start (kafka: Kafka, stock: Readonly<Record<string, number>>): Promise<StockKeeper> {
    const keeper = new StockKeeper(kafka, stock)
    await keeper.#producer.connect()
    await keeper.#consumer.connect()
    await keeper.#consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await keeper.#consumer.run({ eachMessage: async ({ message }) => { await keeper.#take(JSON.parse(message.value!.toString()) as Order) } })
    return keeper
  }

  private constructor (kafka: Kafka, stock: Readonly<Record<string, number>>) {
    this.#consumer = kafka.consumer({ groupId: 'stock-keepers', maxWaitTimeInMs: fetchWaitMs })
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    this.#left = new Map(Object.entries(stock))
  }

  async #take (order: Order): Promise<void> {
    const left = this.#left.get(order.item) ?? 0
    if (order.count <= left) {
      this.#left.set(order.item, left - order.count)
      return
    }
    const shortage: Shortage = { order, left }
    await this.#producer.send({ topic: 'shortages', messages: [{ key: order.item, value: JSON.stringify(shortage) }] })
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#consumer.disconnect()
    await this.#producer.disconnect()
  }
}
