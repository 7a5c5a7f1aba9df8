import assert from 'node:assert/strict'
import net from 'node:net'
import type { SeededRandom } from '@streambed/sdk/testing'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { Compression } from '../../src/protocol/index.ts'
import { nodeNetwork } from '../../src/runtime/node-network.ts'
import { BrokerProcess, type BrokerProcessOptions } from '../support/broker-process.ts'
import { runCommitter } from './committer.ts'
import { PartitionLedger } from './ledger.ts'
import { runProducer } from './producer.ts'
import { readAll, runReader } from './reader.ts'
import { Whereabouts } from './workload.ts'

export interface KillRunResult {
  readonly kills: number
  /** Of these, while the broker was still opening. */
  readonly killsWhileOpening: number
  readonly records: number
  readonly commits: number
  readonly readyMs: readonly number[]
}

/** Small enough that uploads, commits, trims and laps of the ring happen all the time, and so get killed too. */
const settings = {
  STREAMBED_STORAGE__UPLOAD_BYTES: '1MiB',
  STREAMBED_STORAGE__STREAM_OBJECT_BYTES_MIN: '256KiB',
  STREAMBED_STORAGE__LOG_CACHE_BYTES_MAX: '4MiB',
  STREAMBED_STORAGE__DELETION_GRACE_MS: '100',
  STREAMBED_STORAGE__GARBAGE_INTERVAL_MS: '200',
  STREAMBED_STORAGE__WAL__CAPACITY: '16MiB',
  STREAMBED_LOG__LEVEL: 'warn'
}
const topic = 'kills'
const partitionCount = 2
const acknowledgementsMax = 80
const turnsMax = 200

/** One broker under load, on folders unless `storage` says otherwise, killed over and over; fails on any broken promise. */
export async function killRun (random: SeededRandom, kills: number, storage?: BrokerProcessOptions['storage']): Promise<KillRunResult> {
  await using broker = await BrokerProcess.start({ settings, ...storage === undefined ? {} : { storage } })
  const where = new Whereabouts()
  await createTopic(broker)
  const ledgers = Array.from({ length: partitionCount }, (_, index) => new PartitionLedger(`${topic}-${index}`))
  const acknowledgements = new Counter()
  const readyMs: number[] = []
  let killsWhileOpening = 0

  const producer = (name: string, partition: number, more: { readonly inFlight: number, readonly isIdempotent: boolean, readonly recordBytes: number, readonly compression: Compression }): Promise<void> =>
    runProducer({ name, topic, partition, ledger: ledgers[partition]!, where, random: random.fork(name), onAcknowledged: () => acknowledgements.add(), ...more })
  const reader = (partition: number, isRepeating: boolean): Promise<void> =>
    runReader({ name: `reader-${partition}`, topic, partition, ledger: ledgers[partition]!, where, isRepeating })
  const committers = [true, false].map(isMember => runCommitter({ group: isMember ? 'member' : 'simple', topic, where, isMember }))
  const actors: Promise<unknown>[] = [
    producer('idempotent-a', 0, { inFlight: 5, isIdempotent: true, recordBytes: 2_000, compression: Compression.None }),
    producer('idempotent-b', 0, { inFlight: 3, isIdempotent: true, recordBytes: 100, compression: Compression.Gzip }),
    producer('idempotent-c', 1, { inFlight: 5, isIdempotent: true, recordBytes: 500, compression: Compression.None }),
    producer('plain-a', 0, { inFlight: 1, isIdempotent: false, recordBytes: 1_000, compression: Compression.None }),
    producer('plain-b', 1, { inFlight: 1, isIdempotent: false, recordBytes: 4_000, compression: Compression.Lz4 }),
    reader(0, false), reader(1, false), reader(1, true),
    ...committers
  ]
  const broken = Promise.all(actors).then(() => new Promise<never>(() => undefined))
  // A failure while nobody races against it is still the run's: it is awaited below.
  broken.catch(() => undefined)

  let done = 0
  const chaos = async (): Promise<void> => {
    while (done < kills) {
      where.isUp(broker.address.port)
      await acknowledgements.more(1 + random.below(acknowledgementsMax))
      // What follows an acknowledgement (uploads, trims, other connections) is met at different points.
      await turns(random.below(turnsMax))
      where.isDown()
      await broker.kill()
      done++
      while (done < kills && random.below(6) === 0) {
        const run = broker.launch()
        await Promise.race([accepts(broker.address.port), run.ready])
        await turns(random.below(turnsMax))
        await broker.kill()
        done++
        killsWhileOpening++
      }
      readyMs.push((await broker.restart()).readyMs)
    }
    where.isUp(broker.address.port)
    await acknowledgements.more(acknowledgementsMax)
    where.isOver = true
  }
  try {
    await Promise.race([chaos(), broken])
  } catch (error) {
    throw new Error(`after ${done} kills: ${error instanceof Error ? error.message : String(error)}\n${broker.run.stderr.slice(-4_000)}`, { cause: error })
  } finally {
    where.isOver = true
    where.isUp(broker.address.port)
  }
  await Promise.all(actors)

  await using connection = await KafkaConnection.open(nodeNetwork, broker.address, 'checker')
  const once = new Set(['idempotent-a', 'idempotent-b', 'idempotent-c'])
  let records = 0
  for (const [partition, ledger] of ledgers.entries()) records += ledger.check(await readAll(connection, topic, partition), once)
  const committed = await Promise.all(committers)
  for (const { acknowledged } of committed) assert.ok(acknowledged > 0)
  return { kills: done, killsWhileOpening, records, commits: committed.reduce((sum, { acknowledged }) => sum + acknowledged, 0), readyMs }
}

async function createTopic (broker: BrokerProcess): Promise<void> {
  await using client = new KafkaClient(nodeNetwork, broker.address)
  await client.createTopic(topic, { partitions: partitionCount, configs: {} })
}

/** Resolves once somebody listens there. */
async function accepts (port: number): Promise<void> {
  while (!await new Promise<boolean>(resolve => {
    const socket = net.connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })) await turns(1)
}

async function turns (count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => { setImmediate(resolve) })
}

class Counter {
  #count = 0
  #waiting: { readonly at: number, readonly resolve: () => void } | undefined

  add (): void {
    this.#count++
    if (this.#waiting !== undefined && this.#count >= this.#waiting.at) {
      this.#waiting.resolve()
      this.#waiting = undefined
    }
  }

  /** Resolves after `count` more. */
  more (count: number): Promise<void> {
    return new Promise(resolve => { this.#waiting = { at: this.#count + count, resolve } })
  }
}
