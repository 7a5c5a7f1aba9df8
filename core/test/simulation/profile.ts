import type { SeededRandom } from '@streambed/sdk/testing'
import type { ShardTuning } from '../../src/broker/state-shard/state-shard.ts'
import type { Tuning } from '../../src/main/open-broker.ts'
import type { StorageOptions } from '../../src/storage/options.ts'
import { metadataKinds, storeKinds, walKinds, type BackendKinds } from './backends.ts'

/** What one seed makes of the world: how large things are, how long it lasts, and what goes wrong how often. */
export interface Profile {
  /** Virtual ms during which things go wrong. */
  readonly chaosMs: number
  readonly backends: BackendKinds
  readonly storage: StorageOptions
  readonly tuning: Tuning
  readonly walBytes: number
  readonly partitions: number
  readonly idempotentProducers: number
  readonly plainProducers: number
  readonly consumers: number
  /** Of one group; 0 leaves the offsets topic out, so that the bucket must end up empty. */
  readonly groupMembers: number
  /** Groups without members, that commit and delete; 0 as above. */
  readonly committers: number
  /** Whether topics come and go. */
  readonly hasTopicChurn: boolean
  readonly hasDeletions: boolean
  readonly recordBytesMax: number
  readonly networkLatencyMs: number
  /** The longest that a request to a storage service takes, each way. */
  readonly requestLatencyMs: number
  /** Probability that a file operation takes its time, and the longest that it takes. */
  readonly slowFileRate: number
  readonly slowFileMs: number
  readonly failedFileRate: number
  readonly fullDiskRate: number
  readonly storeFaultRate: number
  readonly metadataFaultRate: number
  /** Mean virtual ms between crashes; Infinity for none. */
  readonly crashEveryMs: number
  /** Mean file operations between crashes inside one. */
  readonly crashEveryOperations: number
  readonly lives: LivesProfile
}

/** What befalls the node between processes, and beside one. */
export interface LivesProfile {
  /** Mean virtual ms between pauses of the process that serves, while which another may start; Infinity for none. */
  readonly pauseEveryMs: number
  readonly pauseMsMax: number
  /** Probability that a start meets another medium than its own, or another WAL than the last start's. */
  readonly exchangeRate: number
  readonly walChangeRate: number
  /** Whether at the end the WAL is lost for good, and the loss accepted. */
  readonly losesWal: boolean
  /** Probability that the store says what is not so. */
  readonly lieRate: number
  /** Probability that an append to the WAL is slow, or in doubt. */
  readonly walFaultRate: number
  /** Probability that a request to a service is under way for long. */
  readonly lateRequestRate: number
  /** Of faults of the metadata log: how many make a spell. */
  readonly metadataSpellRate: number
  /** Probability that a client's connection breaks over a request. */
  readonly cutRate: number
  /** Producers that never repeat what is in doubt. */
  readonly cautiousProducers: number
  /** Whether there is a topic whose records have their time. */
  readonly hasAging: boolean
}

/** None of it. */
export const quietLives: LivesProfile = Object.freeze({
  pauseEveryMs: Infinity, pauseMsMax: 0, exchangeRate: 0, walChangeRate: 0, losesWal: false, lieRate: 0, walFaultRate: 0, lateRequestRate: 0,
  metadataSpellRate: 0, cutRate: 0, cautiousProducers: 0, hasAging: false
})

const KiB = 1024

export function profileOf (random: SeededRandom): Profile {
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)]!
  const between = (low: number, high: number): number => low + random.below(high - low + 1)
  return {
    chaosMs: between(300, 1_500),
    backends: { wal: pick(...walKinds), store: pick(...storeKinds), metadata: pick(...metadataKinds) },
    storage: {
      store: 'default',
      logCacheBytesMax: pick(0, 32, 256) * KiB,
      pendingBytesMax: pick(192, 768, 3072) * KiB,
      blockCacheBytesMax: pick(0, 64, 1024) * KiB,
      uploadBytes: pick(4, 16, 48) * KiB,
      uploadIntervalMs: pick(0, 100, 400),
      streamObjectBytesMin: pick(1, 8, 64) * KiB,
      blockBytes: pick(256, 2 * KiB, 32 * KiB),
      readAheadBytesMax: pick(0, 4, 64) * KiB,
      deletionGraceMs: pick(0, 50, 300),
      garbageIntervalMs: pick(50, 200)
    },
    tuning: {
      snapshotEveryEntries: pick(5, 20, 1_000),
      checkpointBytes: pick(2, 20, 1_000) * KiB,
      groupLog: groupLogOf(random.fork('group log'))
    },
    walBytes: pick(1_280, 1_536, 2_048) * KiB,
    partitions: between(1, 3),
    idempotentProducers: between(1, 2),
    plainProducers: between(0, 1),
    consumers: between(1, 2),
    groupMembers: pick(0, 0, 1, 2),
    hasTopicChurn: pick(true, false),
    hasDeletions: pick(true, false),
    recordBytesMax: pick(50, 500, 5_000),
    networkLatencyMs: pick(0.1, 1, 5),
    requestLatencyMs: pick(1, 10, 50),
    slowFileRate: pick(0.02, 0.1, 0.3),
    slowFileMs: pick(0.5, 5, 50),
    failedFileRate: pick(0, 0, 0.001, 0.005),
    fullDiskRate: pick(0, 0, 0.002, 0.01),
    storeFaultRate: pick(0, 0.02, 0.1, 0.3),
    metadataFaultRate: pick(0, 0, 0.02, 0.1),
    crashEveryMs: pick(Infinity, 300, 800),
    crashEveryOperations: pick(Infinity, 300, 1_000),
    committers: pick(0, 1, 2),
    lives: livesOf(random.fork('lives'))
  }
}

function livesOf (random: SeededRandom): LivesProfile {
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)]!
  return {
    pauseEveryMs: pick(Infinity, 100, 400),
    pauseMsMax: pick(50, 500, 2_000),
    exchangeRate: pick(0, 0.4, 0.8),
    walChangeRate: pick(0, 0, 0.3),
    losesWal: pick(true, false, false),
    lieRate: pick(0, 0, 0.05, 0.4),
    walFaultRate: pick(0, 0, 0.01, 0.05),
    lateRequestRate: pick(0, 0, 0.02, 0.1),
    metadataSpellRate: pick(0, 0.3),
    cutRate: pick(0, 0.02, 0.1),
    cautiousProducers: pick(0, 1),
    hasAging: pick(true, false)
  }
}

/** Small enough that most runs write a group log anew, in several pieces. */
function groupLogOf (random: SeededRandom): ShardTuning {
  return {
    bytesMin: [200, 1_000, 5_000][random.below(3)]!,
    rewriteFactor: 1 + random.below(3),
    pieceRecords: [1, 3, 500][random.below(3)]!,
    checksRewrites: true
  }
}
