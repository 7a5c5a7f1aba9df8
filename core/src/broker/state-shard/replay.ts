import { StreambedError } from '@streambed/sdk'
import { decodeRecords } from '../../protocol/records/decode-records.ts'
import { endOffsetOf } from '../../storage/stream/stream-batch.ts'
import type { ShardLog } from './shard-log.ts'
import type { ShardCodec, ShardState } from './shard-state.ts'

const recordBytesMax = 256 * 1024 * 1024

/**
 * Applies the log from its start up to `endOffset`, where a batch ends. Resolves with the bytes of its batches. Rejects as
 * `ShardLog.read`, with a ProtocolError for records that cannot be read, or with CORRUPT when some are missing.
 */
export async function replay<R> (log: ShardLog, codec: ShardCodec<R>, state: ShardState<R>, endOffset: number): Promise<number> {
  let bytes = 0
  for (let offset = log.startOffset; offset < endOffset;) {
    const batches = await log.read(offset)
    if (batches.length === 0) {
      throw new StreambedError('CORRUPT', `a log lacks records below its end. log=${log.name} offset=${offset} end=${endOffset}`)
    }
    for (const batch of batches) {
      if (batch.baseOffset >= endOffset) return bytes
      for (const { key, value } of decodeRecords(batch.bytes, recordBytesMax)) if (key !== null) state.apply(codec.decode(key, value))
      bytes += batch.bytes.length
      offset = endOffsetOf(batch)
    }
  }
  return bytes
}

/** What tells two states apart: each key of theirs, with its value; for comparing, not for keeping. */
export function imageOf<R> (state: ShardState<R>, codec: ShardCodec<R>): Map<string, string> {
  const image = new Map<string, string>()
  for (const part of state.parts()) {
    for (const record of state.recordsOf(part)) {
      const { key, value } = codec.encode(record)
      image.set(Buffer.from(key).toString('latin1'), value === null ? '' : Buffer.from(value).toString('latin1'))
    }
  }
  return image
}

/** A key in which the two differ; undefined when they are the same. */
export function differenceOf (left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): string | undefined {
  for (const [key, value] of left) if (right.get(key) !== value) return key
  for (const key of right.keys()) if (!left.has(key)) return key
  return undefined
}
