import { KafkaErrorCode, kafkaErrorName } from '../../src/protocol/error-codes.ts'
import { ApiKey, type RequestInputOf } from '../../src/protocol/messages/apis.ts'
import { Compression } from '../../src/protocol/records/batch-header.ts'
import { recordId, type PartitionHistory } from './checker.ts'
import { SimulatedClient } from './client.ts'
import { batchOf } from './records.ts'
import type { World } from './world.ts'

export interface Target { readonly topic: string, readonly partition: number, readonly history: PartitionHistory }

export interface ProducerOptions {
  readonly name: string
  readonly target: Target
  readonly isIdempotent: boolean
  /** Never sends again what is in doubt, only what it is told was not stored. */
  readonly isCautious?: boolean
  /** Batches to send in all; Infinity: until the chaos is over. */
  readonly batchesMax: number
}

interface Outgoing { readonly recordIds: readonly string[], readonly bytes: Uint8Array }

const inFlightMax = 5
/** What says that a batch may be stored; everything else says that it is not. */
const inDoubt: ReadonlySet<number> = new Set([KafkaErrorCode.REQUEST_TIMED_OUT, KafkaErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND])
/** Mostly none: codecs are tested elsewhere, and their native memory makes seeds slow. */
const codecs = [...new Array<Compression>(30).fill(Compression.None), Compression.Gzip, Compression.Snappy, Compression.Lz4, Compression.Lz4, Compression.Zstd]
/** From 7 on all codecs may be used. */
const versions = [7, 9, 12]

/**
 * Sends numbered records to one partition and repeats each batch until it is acknowledged. An idempotent one has up to five
 * batches in flight, and one until the first is acknowledged: before it the broker has nothing to order by, as in Kafka.
 */
export class SimulatedProducer {
  readonly #client: SimulatedClient
  readonly #options: ProducerOptions
  #producerId = -1
  #number = 0
  #batchCount = 0
  #outstanding: Outgoing[] = []
  /** Everything before it is acknowledged, and is what the broker must remember of this producer. */
  lastAcknowledgedOffset = -1

  constructor (world: World, options: ProducerOptions) {
    this.#client = new SimulatedClient(world, options.name)
    this.#options = options
  }

  async run (): Promise<void> {
    const { batchesMax, isIdempotent } = this.#options
    if (isIdempotent) {
      const answer = await this.#client.until(ApiKey.InitProducerId, 1, () => ({ transactionalId: null, transactionTimeoutMs: 1_000 }), ({ errorCode }) => errorCode === KafkaErrorCode.NONE)
      this.#producerId = answer.producerId
    }
    while (this.#mayAdd(batchesMax) || this.#outstanding.length > 0) {
      const window = isIdempotent && this.lastAcknowledgedOffset >= 0 ? 1 + this.#client.random.below(inFlightMax) : 1
      while (this.#outstanding.length < window && this.#mayAdd(batchesMax)) this.#outstanding.push(this.#next())
      await this.#sendAll()
      await this.#client.pause(15)
    }
    this.#client.hangUp()
  }

  #mayAdd (batchesMax: number): boolean { return this.#batchCount < batchesMax && (batchesMax !== Infinity || this.#client.world.isChaotic) }

  #next (): Outgoing {
    const { random, world } = this.#client
    const { isIdempotent, name, target: { history } } = this.#options
    const baseSequence = this.#number
    const recordIds = Array.from({ length: 1 + random.below(4) }, () => recordId(name, this.#number++, random.below(world.profile.recordBytesMax)))
    history.sent(recordIds, { isUnique: isIdempotent || this.#options.isCautious === true, isOrdered: this.#options.isCautious !== true })
    this.#batchCount++
    const compression = codecs[random.below(codecs.length)]!
    return { recordIds, bytes: batchOf(recordIds, { timestamp: world.clock.wallMs(), compression, ...isIdempotent ? { identity: { producerId: this.#producerId, producerEpoch: 0, baseSequence } } : {} }) }
  }

  async #sendAll (): Promise<void> {
    const { history, partition, topic } = this.#options.target
    const batches = [...this.#outstanding]
    this.#client.note(`produce ${batches.map(({ recordIds }) => recordIds[0]).join(' ')}`)
    const answers = await this.#client.pipeline(ApiKey.Produce, versions[this.#client.random.below(versions.length)]!, batches.map(({ bytes }): RequestInputOf<typeof ApiKey.Produce> => ({
      acks: this.#client.random.below(4) === 0 ? 1 : -1, timeoutMs: 1_000, topicData: [{ name: topic, partitionData: [{ index: partition, records: bytes }] }]
    })))
    for (const [index, answer] of answers.entries()) {
      const missing = typeof answer === 'string' ? answer : undefined
      const result = typeof answer === 'string' ? undefined : answer.responses[0]?.partitionResponses[0]
      if (result?.errorCode !== KafkaErrorCode.NONE) {
        this.#client.note(`not acknowledged: ${result === undefined ? missing : kafkaErrorName(result.errorCode)}`)
        const isInDoubt = result === undefined ? missing !== 'unsent' : inDoubt.has(result.errorCode)
        if (result !== undefined && isInDoubt) this.#client.world.reached.note('a producer is told that its batch is in doubt')
        if (isInDoubt && this.#options.isCautious === true) this.#outstanding = this.#outstanding.filter(batch => batch !== batches[index])
        continue
      }
      const { recordIds } = batches[index]!
      this.#client.note(`acknowledged at ${result.baseOffset}`)
      history.acknowledged(result.baseOffset, recordIds)
      this.lastAcknowledgedOffset = result.baseOffset
      this.#outstanding = this.#outstanding.filter(batch => batch !== batches[index])
    }
  }
}
