import assert from 'node:assert/strict'
import { StreambedError } from '@streambed/sdk'
import { BrokerError, type KafkaClient } from '../../src/client/kafka-client.ts'
import { encodeBatch, isRetriable, kafkaErrorName } from '../../src/protocol/index.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { clientOf, consumeAll } from './client.ts'

/**
 * Sends records one at a time and in order, each again until it is acknowledged, whatever becomes of the broker. An answer
 * that tells a client to give up fails the test.
 */
export class SteadyProducer implements AsyncDisposable {
  readonly #broker: BrokerProcess
  readonly #topic: string
  readonly #recordBytes: number
  /** Names of the errors that producers were told. */
  readonly refusals = new Set<string>()
  #client: KafkaClient | undefined
  #acknowledged = 0

  constructor (broker: BrokerProcess, topic: string, options: { readonly recordBytes: number }) {
    this.#broker = broker
    this.#topic = topic
    this.#recordBytes = options.recordBytes
  }

  get acknowledged (): number { return this.#acknowledged }

  /** Sends the next record once; whether it was acknowledged. */
  async attempt (): Promise<boolean> {
    this.#client ??= clientOf(this.#broker)
    try {
      const value = Buffer.from(`${this.#acknowledged};`.padEnd(this.#recordBytes, '.'))
      await this.#client.produce(this.#broker.address, { topic: this.#topic, partition: 0 }, encodeBatch([{ value }], { timestamp: 1 }))
      this.#acknowledged++
      return true
    } catch (error) {
      if (error instanceof BrokerError) {
        assert.ok(isRetriable(error.kafkaCode), `a producer was told to give up: ${error.message}`)
        this.refusals.add(kafkaErrorName(error.kafkaCode))
      } else {
        // The broker hung up: it opens anew.
        await this.#client.close()
        this.#client = undefined
        await turn()
      }
      return false
    }
  }

  /** Sends until `count` more are acknowledged. */
  async acknowledge (count: number): Promise<void> {
    for (const until = this.#acknowledged + count; this.#acknowledged < until;) await this.attempt()
  }

  /** Sends until the broker says no. */
  async untilRefused (): Promise<void> {
    for (const before = this.refusals.size; this.refusals.size === before;) await this.attempt()
  }

  /** What was acknowledged is there, in order; what was sent again may be there again. */
  async check (): Promise<void> {
    const found = (await this.#consume()).map(value => Number(value.slice(0, value.indexOf(';'))))
    const once = found.filter((number, index) => number !== found[index - 1])
    assert.ok(once.length >= this.#acknowledged, `${this.#acknowledged} were acknowledged, ${once.length} are there`)
    assert.deepEqual(once, once.map((_, index) => index))
  }

  /** Reads the topic; from the beginning again when the broker hangs up, or is just being opened. */
  async #consume (): Promise<string[]> {
    for (;;) {
      await using client = clientOf(this.#broker)
      try {
        return await consumeAll(client, this.#broker, this.#topic)
      } catch (error) {
        if (!StreambedError.is(error, 'UNAVAILABLE')) throw error
        await turn()
      }
    }
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.#client?.close() }
}

function turn (): Promise<void> { return new Promise(resolve => { setImmediate(resolve) }) }
