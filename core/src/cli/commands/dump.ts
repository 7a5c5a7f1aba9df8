import type { CommandModule } from 'yargs'
import { loadConfig } from '../../main/config/load-config.ts'
import { inspect, type Inspection } from '../../main/inspect.ts'
import { nodeHost } from '../../main/node-host.ts'
import { streamNames } from '../../metadata/stream-names.ts'
import {
  baseOffset, batchHeaderSize, compressionOf, isControl, maxTimestamp, nextOffset, partitionLeaderEpoch, producerId, recordCount
} from '../../protocol/records/batch-header.ts'
import { decodeRecords } from '../../protocol/records/decode-records.ts'
import { environmentVariables } from '../../runtime/process.ts'
import { objectKey } from '../../storage/object/object-key.ts'
import { decodeWalRecord } from '../../storage/wal/wal-record.ts'

interface DumpOptions { readonly what: 'wal' | 'objects' | 'metadata', readonly config: string | undefined, readonly records: boolean }

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const decompressedBytesMax = 256 * 1024 * 1024

export const dumpCommand: CommandModule<object, DumpOptions> = {
  command: 'dump <what>',
  describe: 'Show what a stopped broker has stored: its WAL, its objects, its metadata',
  builder: args => args
    .positional('what', { choices: ['wal', 'objects', 'metadata'] as const, demandOption: true })
    .option('config', { alias: 'c', type: 'string', requiresArg: true, describe: "The broker's configuration file" })
    .option('records', { alias: 'r', type: 'boolean', default: false, describe: 'Each record too, not only its batch' }),
  handler: async ({ config: file, records, what }) => {
    const config = await loadConfig({ environment: environmentVariables, ...file === undefined ? {} : { file } })
    await using inspection = await inspect(config, nodeHost({ logLevel: config.log.level }))
    const lines = what === 'wal' ? walLines(inspection, records) : what === 'objects' ? objectLines(inspection, records) : metadataLines(inspection)
    for await (const line of lines) process.stdout.write(`${line}\n`)
  }
}

async function * walLines (inspection: Inspection, withRecords: boolean): AsyncGenerator<string> {
  const names = streamNames(inspection.metadata.image)
  const wal = await inspection.openWal()
  for await (const { data, position } of wal.recover()) {
    const entry = decodeWalRecord(data)
    if (entry.kind === 'mark') {
      yield `position ${position}  mark of a clean end  metadata position ${entry.catalogPosition}`
      continue
    }
    const { batch, streamId } = entry
    yield `position ${position}  ${names.get(streamId) ?? `stream ${streamId} (deleted)`}  offsets [${batch.baseOffset}, ${batch.baseOffset + batch.count})  bytes ${batch.bytes.length}`
    yield * batchLines(batch.bytes, isData(names.get(streamId)), withRecords)
  }
}

async function * objectLines ({ metadata, objects }: Inspection, withRecords: boolean): AsyncGenerator<string> {
  const { image } = metadata
  const names = streamNames(image)
  const streamsOf = new Map<number, number[]>()
  for (const [streamId, ranges] of image.tables.ranges.entries()) for (const { objectId } of ranges) streamsOf.set(objectId, [...streamsOf.get(objectId) ?? [], streamId])
  for (const object of image.tables.objects.values()) {
    yield `object ${objectKey(object.objectId)}  store ${object.store}  bytes ${object.size}`
    for (const streamId of streamsOf.get(object.objectId) ?? []) {
      for (const entry of await objects.blocksOf(object, streamId)) {
        yield `  block at ${entry.position}  ${names.get(streamId) ?? `stream ${streamId}`}  offsets [${entry.startOffset}, ${entry.endOffset})  bytes ${entry.size}  batches ${entry.batchCount}`
        for (const batch of await objects.read(object, entry)) yield * batchLines(batch.bytes, isData(names.get(streamId)), withRecords)
      }
    }
  }
}

async function * metadataLines ({ metadata }: Inspection): AsyncGenerator<string> {
  for (const [name, table] of Object.entries(metadata.image.tables)) {
    for (const [key, value] of (table as Map<unknown, unknown>).entries()) yield `${name} ${String(key)} ${JSON.stringify(value)}`
  }
}

function * batchLines (bytes: Uint8Array, isKafkaBatch: boolean, withRecords: boolean): Generator<string> {
  if (!isKafkaBatch || bytes.length < batchHeaderSize) return
  yield `    batch [${baseOffset(bytes)}, ${nextOffset(bytes)})  records ${recordCount(bytes)}  codec ${codecNames[compressionOf(bytes)] ?? 'unknown'}  leader epoch ${partitionLeaderEpoch(bytes)}  producer ${producerId(bytes)}  largest time ${maxTimestamp(bytes)}${isControl(bytes) ? '  control' : ''}`
  if (!withRecords) return
  for (const { key, offset, timestamp, value } of decodeRecords(bytes, decompressedBytesMax)) {
    yield `      ${offset}  time ${timestamp}  key ${text(key)}  value ${text(value)}`
  }
}

function isData (name: string | undefined): boolean { return name !== undefined && !name.endsWith(' checkpoints') }

function text (bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : JSON.stringify(Buffer.from(bytes).toString('utf8'))
}
