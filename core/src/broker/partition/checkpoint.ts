import { StreambedError } from '@streambed/sdk'
import type { LeaderEpochStart } from './leader-epochs.ts'
import type { ProducerState } from './producer-states.ts'

/** What a partition knows beside its log, as of `endOffset`: what opening would otherwise replay from the start. */
export interface Checkpoint {
  /** All batches below are accounted for; replay continues here. */
  readonly endOffset: number
  readonly producers: readonly ProducerState[]
  readonly leaderEpochs: readonly LeaderEpochStart[]
}

const version = 1

export function encodeCheckpoint (checkpoint: Checkpoint): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version, ...checkpoint }))
}

/** UNSUPPORTED for another version; CORRUPT when unreadable. */
export function decodeCheckpoint (bytes: Uint8Array): Checkpoint {
  let value: Checkpoint & { readonly version: number }
  try {
    value = JSON.parse(new TextDecoder().decode(bytes)) as typeof value
  } catch (cause) {
    throw new StreambedError('CORRUPT', 'partition checkpoint cannot be read', { cause })
  }
  if (value.version !== version) throw new StreambedError('UNSUPPORTED', `partition checkpoint is of another version. version=${value.version} supported=${version}; start a newer Streambed`)
  return value
}
