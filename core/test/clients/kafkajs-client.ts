import kafkajs, { type Admin, type Consumer, type EachMessagePayload, type Kafka, type KafkaConfig } from 'kafkajs'
import { Compression } from '../../src/protocol/records/batch-header.ts'
import { compress, decompress } from '../../src/protocol/records/compression.ts'
import { Collector } from './collector.ts'

const decompressedBytesMax = 64 * 1024 * 1024

/** kafkajs brings gzip alone; the others are plugged in as its documentation says. */
for (const [type, codec] of [
  [kafkajs.CompressionTypes.Snappy, Compression.Snappy],
  [kafkajs.CompressionTypes.LZ4, Compression.Lz4],
  [kafkajs.CompressionTypes.ZSTD, Compression.Zstd]
] as const) {
  kafkajs.CompressionCodecs[type] = () => ({
    compress: async (encoder: { readonly buffer: Buffer }) => Buffer.from(compress(codec, encoder.buffer)),
    decompress: async (bytes: Buffer) => Buffer.from(decompress(codec, bytes, decompressedBytesMax))
  })
}

export function kafkajsClient (address: string, options: Partial<KafkaConfig> = {}): Kafka {
  return new kafkajs.Kafka({
    brokers: [address],
    clientId: 'kafkajs-test',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 200, retries: 40 },
    ...options
  })
}

export async function withAdmin<T> (kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export async function createTopic (kafka: Kafka, topic: string, partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await withAdmin(kafka, async admin => await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] }))
}

/** A member of a group that collects what it is given. */
export class Member {
  readonly consumer: Consumer
  readonly records = new Collector<EachMessagePayload>()
  /** The partitions of each assignment in turn. */
  readonly assignments = new Collector<readonly number[]>()

  static async join (kafka: Kafka, topic: string, groupId: string, options: { readonly fromBeginning?: boolean, readonly autoCommit?: boolean } = {}): Promise<Member> {
    const member = new Member(kafka.consumer({
      groupId,
      sessionTimeout: 1_000,
      heartbeatInterval: 100,
      maxWaitTimeInMs: 100,
      rebalanceTimeout: 5_000
    }))
    const { consumer } = member
    consumer.on('consumer.group_join', ({ payload }) => member.assignments.add(payload.memberAssignment[topic] ?? []))
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: options.fromBeginning ?? true })
    await consumer.run({
      autoCommit: options.autoCommit ?? true,
      eachMessage: async payload => { member.records.add(payload) }
    })
    return member
  }

  private constructor (consumer: Consumer) {
    this.consumer = consumer
  }

  get partitions (): readonly number[] { return this.assignments.items.at(-1) ?? [] }
  get values (): readonly string[] { return this.records.items.map(({ message }) => message.value?.toString() ?? '') }

  async untilValues (count: number): Promise<readonly string[]> {
    await this.records.untilCount(count)
    return this.values
  }

  async untilPartitions (count: number): Promise<void> {
    await this.assignments.until(all => all.at(-1)?.length === count)
  }

  async leave (): Promise<void> { await this.consumer.disconnect() }
}
