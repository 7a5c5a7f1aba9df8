import { once } from 'node:events'
import type { CommandModule } from 'yargs'
import type { Address, KafkaClient } from '../../client/kafka-client.ts'
import { batches } from '../../protocol/records/batches.ts'
import { isControl, nextOffset } from '../../protocol/records/batch-header.ts'
import { decodeRecords, type DecodedRecord } from '../../protocol/records/decode-records.ts'
import { withBootstrap, withClient, type BootstrapOptions } from '../bootstrap.ts'

type ConsumeOptions = BootstrapOptions & {
  readonly topic: string
  readonly from: string
  readonly partition: number | undefined
  readonly count: number | undefined
  readonly exit: boolean
  readonly format: 'value' | 'key-value' | 'json'
}

const waitMs = 500
const decompressedBytesMax = 256 * 1024 * 1024

export const consumeCommand: CommandModule<object, ConsumeOptions> = {
  command: 'consume <topic>',
  describe: 'Print records, from all partitions, as they come',
  builder: args => withBootstrap(args)
    .positional('topic', { type: 'string', demandOption: true })
    .option('from', { alias: 'o', type: 'string', default: 'earliest', describe: 'earliest, latest, an offset, or a time (ISO 8601)' })
    .option('partition', { alias: 'p', type: 'number', describe: 'Only this partition' })
    .option('count', { alias: 'n', type: 'number', describe: 'Stop after so many records' })
    .option('exit', { alias: 'e', type: 'boolean', default: false, describe: 'Stop at the end' })
    .option('format', { alias: 'f', choices: ['value', 'key-value', 'json'] as const, default: 'value' as const, describe: 'What to print of a record' }),
  handler: options => withClient(options, client => consume(client, options))
}

async function consume (client: KafkaClient, options: ConsumeOptions): Promise<void> {
  const { count, exit, format, partition, topic } = options
  const leaders = await client.leaders(topic)
  if (partition !== undefined && leaders[partition] === undefined) throw new Error(`--partition must be 0 to ${leaders.length - 1}, got ${partition}`)
  let left = count ?? Infinity
  // A reader that has seen enough (head) closes the pipe: that is no error.
  process.stdout.on('error', () => process.exit(0))
  const read = async (index: number, leader: Address): Promise<void> => {
    const where = { topic, partition: index }
    let offset = await startOffset(client, leader, where, options.from)
    while (left > 0) {
      const { highWatermark, records } = await client.fetch(leader, where, offset, waitMs)
      for (const { at, size } of batches(records)) {
        const batch = records.subarray(at, at + size)
        const found = isControl(batch) ? [] : decodeRecords(batch, decompressedBytesMax).filter(record => record.offset >= offset)
        for (const record of found.slice(0, left)) if (!process.stdout.write(`${print(record, index, format)}\n`)) await once(process.stdout, 'drain')
        left -= found.length
        offset = nextOffset(batch)
        if (left <= 0) return
      }
      if (exit && offset >= highWatermark) return
    }
  }
  const chosen = [...leaders.entries()].filter(([index]) => partition === undefined || index === partition)
  await Promise.all(chosen.map(([index, leader]) => read(index, leader)))
}

async function startOffset (client: KafkaClient, leader: Address, where: { readonly topic: string, readonly partition: number }, from: string): Promise<number> {
  if (from === 'earliest') return await client.offsetFor(leader, where, -2)
  if (from === 'latest') return await client.offsetFor(leader, where, -1)
  if (/^\d+$/.test(from)) return Number(from)
  const timeMs = Date.parse(from)
  if (Number.isNaN(timeMs)) throw new Error(`--from must be earliest, latest, an offset or a time such as 2026-01-31T12:00:00Z, got '${from}'`)
  const found = await client.offsetFor(leader, where, timeMs)
  return found >= 0 ? found : await client.offsetFor(leader, where, -1)
}

function print (record: DecodedRecord, partition: number, format: ConsumeOptions['format']): string {
  const text = (bytes: Uint8Array | null): string | null => bytes === null ? null : Buffer.from(bytes).toString()
  const [key, value] = [text(record.key), text(record.value)]
  switch (format) {
    case 'value': return value ?? ''
    case 'key-value': return `${key ?? ''}\t${value ?? ''}`
    case 'json': return JSON.stringify({ partition, offset: record.offset, timestamp: typeof record.timestamp === 'bigint' ? String(record.timestamp) : record.timestamp, key, value, headers: record.headers.map(header => ({ key: header.key, value: text(header.value) })) })
    default: return format satisfies never
  }
}
