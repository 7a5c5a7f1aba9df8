import { StreambedError, toInt64, type Int64 } from '@streambed/sdk'
import type { LeaderEpochStart } from './leader-epochs.ts'
import type { ProducerState } from './producer-states.ts'

/** What a partition knows beside its log, as of `endOffset`: what opening would otherwise replay from the start. */
export interface Checkpoint {
  /** All batches below are accounted for; replay continues here. */
  readonly endOffset: number
  readonly producers: readonly ProducerState[]
  readonly leaderEpochs: readonly LeaderEpochStart[]
}

/** With the first, every producer id is a number; with the second, those beyond 2^53 are text, which earlier releases do not read. */
const versions = [1, 2] as const

export function encodeCheckpoint (checkpoint: Checkpoint): Uint8Array {
  const version = checkpoint.producers.some(({ producerId }) => typeof producerId === 'bigint') ? 2 : 1
  const textOfBigInt = (_key: string, value: unknown): unknown => typeof value === 'bigint' ? String(value) : value
  return new TextEncoder().encode(JSON.stringify({ version, ...checkpoint }, textOfBigInt))
}

/** UNSUPPORTED for another version; CORRUPT when unreadable. */
export function decodeCheckpoint (bytes: Uint8Array): Checkpoint {
  let value: Checkpoint & { readonly version: typeof versions[number] }
  try {
    value = JSON.parse(new TextDecoder().decode(bytes)) as typeof value
  } catch (cause) {
    throw new StreambedError('CORRUPT', 'partition checkpoint cannot be read', { cause })
  }
  const { version } = value
  if (!versions.includes(version)) throw new StreambedError('UNSUPPORTED', `partition checkpoint is of another version. version=${String(version)} supported=${versions.join(', ')}; start a newer Streambed`)
  return { ...value, producers: value.producers.map(producer => ({ ...producer, producerId: idOf(producer.producerId) })) }
}

/** A producer id as JSON has it: a number, or the digits of a larger one. */
function idOf (stored: unknown): Int64 { return typeof stored === 'string' ? toInt64(BigInt(stored)) : stored as number }
