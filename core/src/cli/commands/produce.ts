import { createInterface } from 'node:readline'
import type { CommandModule } from 'yargs'
import type { Address, KafkaClient } from '../../client/kafka-client.ts'
import { partitionForKey } from '../../protocol/hash.ts'
import { Compression } from '../../protocol/records/batch-header.ts'
import { encodeBatch, type RecordInput } from '../../protocol/records/encode-batch.ts'
import { withBootstrap, withClient, type BootstrapOptions } from '../bootstrap.ts'
import { SystemClock } from '@streambed/sdk/node'

const codecs = { none: Compression.None, gzip: Compression.Gzip, snappy: Compression.Snappy, lz4: Compression.Lz4, zstd: Compression.Zstd } as const

type ProduceOptions = BootstrapOptions & {
  readonly topic: string
  readonly key: string | undefined
  readonly separator: string | undefined
  readonly partition: number | undefined
  readonly compression: keyof typeof codecs
}

const batchRecordsMax = 1_000
const batchBytesMax = 512 * 1024

export const produceCommand: CommandModule<object, ProduceOptions> = {
  command: 'produce <topic>',
  describe: 'Produce a record for each line of standard input',
  builder: args => withBootstrap(args)
    .positional('topic', { type: 'string', demandOption: true })
    .option('key', { alias: 'k', type: 'string', describe: 'The key of every record' })
    .option('separator', { alias: 'K', type: 'string', conflicts: 'key', describe: 'What parts key from value in a line' })
    .option('partition', { alias: 'p', type: 'number', describe: 'The partition; by default by key, or all in turn' })
    .option('compression', { alias: 'z', choices: Object.keys(codecs) as (keyof typeof codecs)[], default: 'none' as const, describe: 'How batches are compressed' }),
  handler: options => withClient(options, async client => {
    const leaders = await client.leaders(options.topic, { create: true })
    let pending: RecordInput[] = []
    let bytes = 0
    let turn = 0
    const flush = async (): Promise<void> => {
      await send(client, options, leaders, pending, turn++)
      pending = []
      bytes = 0
    }
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
      const record = toRecord(line, options)
      pending.push(record)
      bytes += line.length
      // A person who types sees each record sent; a pipe is sent in batches.
      if (process.stdin.isTTY || pending.length >= batchRecordsMax || bytes >= batchBytesMax) await flush()
    }
    if (pending.length > 0) await flush()
  })
}

function toRecord (line: string, { key, separator }: ProduceOptions): RecordInput {
  const at = separator === undefined ? -1 : line.indexOf(separator)
  if (separator !== undefined && at >= 0) return { key: Buffer.from(line.slice(0, at)), value: Buffer.from(line.slice(at + separator.length)) }
  return { key: key === undefined ? null : Buffer.from(key), value: Buffer.from(line) }
}

/** One batch a partition; `turn` picks the partition of records without keys. */
async function send (client: KafkaClient, { compression, partition, topic }: ProduceOptions, leaders: readonly Address[], records: readonly RecordInput[], turn: number): Promise<void> {
  if (partition !== undefined && leaders[partition] === undefined) throw new Error(`--partition must be 0 to ${leaders.length - 1}, got ${partition}`)
  const byPartition = Map.groupBy(records, record => partition ?? (record.key == null ? turn % leaders.length : partitionForKey(record.key, leaders.length)))
  const timestamp = new SystemClock().wallMs()
  await Promise.all([...byPartition].map(([index, ofPartition]) =>
    client.produce(leaders[index]!, { topic, partition: index }, encodeBatch(ofPartition, { timestamp, compression: codecs[compression] }))))
}
