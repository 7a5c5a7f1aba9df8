import { Compression } from '../../protocol/records/batch-header.ts'
import type { PartitionConfig } from '../partition/partition-config.ts'

const codecs: Readonly<Record<string, PartitionConfig['compression']>> = {
  uncompressed: Compression.None,
  gzip: Compression.Gzip,
  snappy: Compression.Snappy,
  lz4: Compression.Lz4,
  zstd: Compression.Zstd,
  producer: 'producer'
}

/** What a partition acts on, from the values in force. Longs past 2^53 lose their last bits: they all mean "for ever". */
export function partitionConfig (textOf: (name: string) => string): PartitionConfig {
  const policies = textOf('cleanup.policy').split(',').map(policy => policy.trim())
  return Object.freeze({
    isCompacted: policies.includes('compact'),
    isDeleted: policies.includes('delete'),
    retentionMs: Number(textOf('retention.ms')),
    retentionBytes: Math.max(-1, Number(textOf('retention.bytes'))),
    maxMessageBytes: Number(textOf('max.message.bytes')),
    segmentBytes: Number(textOf('segment.bytes')),
    usesLogAppendTime: textOf('message.timestamp.type').trim() === 'LogAppendTime',
    timestampBeforeMaxMs: Number(textOf('message.timestamp.before.max.ms')),
    timestampAfterMaxMs: Number(textOf('message.timestamp.after.max.ms')),
    compression: codecs[textOf('compression.type').trim()]!
  })
}
