import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { References, SystemClock, nodeEnvironment } from '@streambed/sdk/node'
import { OddFront, unanswered } from '../../../conformance/test/odd-answers/front.ts'
import { wordsOf, type Cloud } from '../../../conformance/test/odd-answers/words.ts'
import { BrokerError, KafkaClient, type Address, type TopicPartition } from '../../src/client/kafka-client.ts'
import { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { defaultBatchChecks } from '../../src/broker/partition/batch-checks.ts'
import { Origin } from '../../src/main/config/origin.ts'
import type { BrokerConfig } from '../../src/main/config/broker-config.ts'
import type { OpenBroker } from '../../src/main/open-broker.ts'
import { runBroker } from '../../src/main/run-broker.ts'
import { KafkaErrorCode, isRetriable } from '../../src/protocol/error-codes.ts'
import { ApiKey, batches, decodeRecords, encodeBatch } from '../../src/protocol/index.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { ConsoleLogger } from '../../src/runtime/console-logger.ts'
import { nodeNetwork } from '../../src/runtime/node-network.ts'
import { defaultServerLimits } from '../../src/server/limits.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'
import { cloudsUnderTest, prefix, type Double } from './clouds.ts'
import { Ledger, valueOf } from './ledger.ts'
import { Silences } from './silences.ts'
import { isSame, kindOf, neverAsked, type Kind, type Oddity, type Round } from './spell.ts'

const topic = 't'
const passing = 'passing'
const group = 'g'
const partitionCount = 3
/** Of each partition, left by deletions: about a second's. */
const keptRecords = 40
/** How much longer a spell lasts at most, for a call of each kind to come by, and for one at all. */
const eachMsMax = 1_500
const anyMsMax = 20_000

export interface SpellReport {
  /** Kinds of calls that were answered oddly, and those that the answer is for but that did not come by. */
  readonly met: ReadonlySet<Kind>
  readonly unmet: readonly Kind[]
  /** From the end of the spell until all was read back. */
  readonly recoveredMs: number
}

/**
 * A broker as operators run it, on a plugin for a cloud and its double with the front between, under writers, a reader from the start, a group that
 * commits, and deletions; caches so small that reads go to the store.
 */
export class LoadedBroker implements AsyncDisposable {
  readonly lines: string[] = []
  #readies: OpenBroker[] = []
  readonly #cloud: Cloud
  readonly #round: Round
  readonly #double: Double
  readonly #front: OddFront
  readonly #folder: string
  readonly #clock = new SystemClock()
  readonly #stop = new AbortController()
  readonly #over = new AbortController()
  readonly #ledgers = Array.from({ length: partitionCount }, (_, partition) => new Ledger(partition))
  #committed = 0
  #attempted = 0
  #scans = 0
  #ended: Promise<unknown> = Promise.resolve()
  #failure: unknown
  readonly #work: Promise<void>[] = []
  readonly #connections: AsyncDisposable[] = []

  static async start (cloud: Cloud, round: Round): Promise<LoadedBroker> {
    const double = await cloudsUnderTest[cloud].start()
    const front = await OddFront.start(double.endpoint)
    const broker = new LoadedBroker(cloud, round, double, front, await fs.mkdtemp(path.join(os.tmpdir(), 'streambed-odd-')))
    await broker.#open()
    return broker
  }

  private constructor (cloud: Cloud, round: Round, double: Double, front: OddFront, folder: string) {
    this.#cloud = cloud
    this.#round = round
    this.#double = double
    this.#front = front
    this.#folder = folder
    this.#calm()
  }

  get acknowledged (): number { return this.#ledgers.reduce((sum, { count }) => sum + count, 0) }

  /** For so long every answer to the calls that `oddity` befalls is odd, then every second one, for a little longer where a kind of call has not come by; then all must be as if nothing had been. */
  async spell ({ odd, outcomes }: Oddity, ms: number): Promise<SpellReport> {
    const words = wordsOf[this.#cloud]
    const met = new Set<Kind>()
    const wanted = [...outcomes.keys()].filter(kind => !(kind in neverAsked[this.#round]))
    const silences = new Silences(this.#clock)
    const counts = new Map<Kind, number>()
    const linesBefore = this.lines.length
    let isEach = true
    let writes = 0
    // A stranger's answer: what it is given in the place of may have been done, or never have come there.
    const isStrangers = outcomes.has('missing')
    this.#front.reaches = call => !isStrangers || (call !== 'put' && call !== 'delete') || writes++ % (isEach ? 2 : 4) !== 0
    // A broker looks whose an object is, and then at its bytes, when answers to its put were lost.
    const isLookProvoked = !outcomes.has('put') && wanted.some(kind => kind === 'whole' || kind === 'head')
    this.#front.befall = (call, answer, request) => {
      const kind = this.#note(kindOf(call, answer))
      if (kind === undefined) return undefined
      const count = counts.get(kind) ?? 0
      counts.set(kind, count + 1)
      const made = outcomes.has(kind) && (isEach || count % 2 === 0 || answer === unanswered) ? odd.make(answer, words, this.#cloud, this.#objectOf(request.url ?? '')) : undefined
      if (isLookProvoked && (kind === 'put' || (kind === 'head' && !outcomes.has('head'))) && count % 2 === 0) return { kind: 'raw', bytes: Buffer.alloc(0) }
      if (made === undefined || (made.kind === 'answer' && isSame(made.answer, answer))) {
        silences.answered(kind)
        return undefined
      }
      met.add(kind)
      silences.odd(kind, outcomes.get(kind)!)
      return made
    }
    const startMs = this.#clock.monotonicMs()
    const isShort = (): boolean => met.size === 0 || (wanted.some(kind => !met.has(kind)) && this.#passed(startMs) < ms + eachMsMax)
    while (this.#passed(startMs) < ms || isShort()) {
      isEach = this.#passed(startMs) < ms / 2
      assert.ok(this.#passed(startMs) < ms + anyMsMax, `no ${wanted.join(', ')} came by; asked were ${JSON.stringify([...counts])}`)
      this.#check()
      await pause(20)
    }
    this.#calm()
    const calmMs = this.#clock.monotonicMs()
    await this.#caughtUp()
    const recoveredMs = this.#passed(calmMs)
    const told = this.lines.slice(linesBefore).join('\n')
    for (const calls of silences.toBeTold) assert.match(told, new RegExp(`the object store cannot be used now.* calls="${calls}"`), `the log says nothing of ${calls} that failed for over a second`)
    return { met, unmet: wanted.filter(kind => !met.has(kind)), recoveredMs }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#calm()
    this.#over.abort()
    await Promise.allSettled(this.#work)
    for (const connection of this.#connections) await connection[Symbol.asyncDispose]()
    this.#stop.abort()
    await this.#ended
    await this.#front.stop()
    await this.#double.stop()
    await fs.rm(this.#folder, { recursive: true, force: true })
  }

  async #open (): Promise<void> {
    const logger = new ConsoleLogger({ level: 'info', clock: this.#clock, write: line => { this.lines.push(line.trimEnd()) } })
    const isReady = Promise.withResolvers<OpenBroker>()
    this.#ended = runBroker({
      config: this.#config(),
      host: {
        environment: nodeEnvironment({ logger, crc32c }), network: nodeNetwork,
        tuning: { snapshotEveryEntries: 50, checkpointBytes: 2 ** 18, groupLog: { bytesMin: 16 * 1024, rewriteFactor: 4, pieceRecords: 500, checksRewrites: false } }
      },
      stop: this.#stop.signal,
      onReady: broker => {
        this.#readies.push(broker)
        isReady.resolve(broker)
      }
    }).then(() => 'stopped', (error: unknown) => {
      isReady.reject(error)
      return error
    })
    void this.#ended.then(end => { if (!this.#stop.signal.aborted) this.#failure ??= new Error('the broker ended by itself', { cause: end }) })
    const { server } = await isReady.promise
    const { host, port } = server.addresses[0]!
    const address = { host, port }
    const admin = this.#using(new KafkaClient(nodeNetwork, address))
    await admin.createTopic(topic, { partitions: partitionCount, configs: {} })
    await admin.createTopic(passing, { partitions: 1, configs: {} })
    for (const ledger of this.#ledgers) this.#go(client => this.#write(client, address, ledger), address)
    this.#go((client, connection) => this.#read(client, connection, address), address)
    this.#go((_, connection) => this.#commit(connection), address)
    this.#go((client, connection) => this.#pass(client, connection, address), address)
    await this.#caughtUp()
  }

  #config (): BrokerConfig {
    const isInStore = this.#round === 'object'
    return {
      node: { id: 1, rack: null, listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 0 }] },
      storage: {
        wal: isInStore ? { plugin: 'object', options: { putTimeoutMs: 500 } } : { plugin: 'regional-disk', options: { path: path.join(this.#folder, 'wal'), capacity: '256MiB' } },
        metadata: isInStore ? { plugin: 'object', options: { putTimeoutMs: 500 } } : { plugin: 'file', options: { path: path.join(this.#folder, 'metadata') } },
        stores: { default: cloudsUnderTest[this.#cloud].backend(this.#front.endpoint, this.#double) },
        engine: {
          ...defaultStorageOptions, logCacheBytesMax: 64 * 1024, blockCacheBytesMax: 64 * 1024, uploadBytes: 64 * 1024, uploadIntervalMs: 100,
          streamObjectBytesMin: 48 * 1024, blockBytes: 16 * 1024, readAheadBytesMax: 128 * 1024, deletionGraceMs: 100, garbageIntervalMs: 10
        }
      },
      kafka: { 'offsets.topic.num.partitions': '1', 'group.initial.rebalance.delay.ms': '0', 'log.retention.check.interval.ms': '1000' },
      produce: defaultBatchChecks,
      limits: defaultServerLimits,
      log: { level: 'info' },
      origin: new Origin('the test'),
      references: new References({}, this.#folder),
      baseFolder: this.#folder
    }
  }

  #calm (): void {
    this.#front.reaches = () => true
    this.#front.befall = (call, answer) => {
      this.#note(kindOf(call, answer))
      return undefined
    }
  }

  #note (kind: Kind | undefined): Kind | undefined {
    this.#double.nowMs = this.#clock.wallMs()
    if (this.#double.requests !== undefined) this.#double.requests.length = 0
    return kind
  }

  /** The bytes of what a request names. */
  #objectOf (url: string): Buffer {
    const name = decodeURIComponent(new URL(url, 'http://front').pathname)
    const at = name.indexOf(`/${prefix}`)
    return this.#double.objects.get(name.slice(at + 1))?.bytes ?? Buffer.alloc(0)
  }

  #passed (sinceMs: number): number { return this.#clock.monotonicMs() - sinceMs }

  #check (): void {
    if (this.#failure !== undefined) throw this.#failure
    assert.equal(this.#readies.length, 1, 'the broker was opened again')
  }

  /** Everybody has got on, all is uploaded, and all that was acknowledged is read back; then what was read is deleted but for the last of it. */
  async #caughtUp (): Promise<void> {
    const before = { counts: this.#ledgers.map(({ count }) => count), committed: this.#committed, scans: this.#scans }
    const untilThen = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) {
        this.#check()
        await pause(10)
      }
    }
    await untilThen(() => this.#ledgers.every(({ count }, index) => count >= before.counts[index]! + 2) && this.#committed > before.committed)
    await this.#readies[0]!.engine.flush()
    await untilThen(() => this.#scans >= before.scans + 2)
  }

  #using<T extends AsyncDisposable> (connection: T): T {
    this.#connections.push(connection)
    return connection
  }

  /** Somebody who works until the end, on connections of his own. What he finds wrong ends the test. */
  #go (work: (client: KafkaClient, connection: KafkaConnection) => Promise<void>, address: Address): void {
    this.#work.push((async () => {
      const client = this.#using(new KafkaClient(nodeNetwork, address))
      const connection = this.#using(await KafkaConnection.open(nodeNetwork, address, 'load'))
      while (!this.#over.signal.aborted) await work(client, connection)
    })().catch((error: unknown) => { this.#failure ??= error }))
  }

  async #write (client: KafkaClient, address: Address, ledger: Ledger): Promise<void> {
    const partition = this.#ledgers.indexOf(ledger)
    const number = ledger.next++
    const batch = encodeBatch([{ value: Buffer.from(valueOf(partition, number)) }], { timestamp: this.#clock.wallMs() })
    const offset = await passingTrouble(() => client.produce(address, { topic, partition }, batch))
    if (offset !== undefined) ledger.acknowledge(offset, number)
    await pause(30)
  }

  /** All of the topic from its start to its end. All but the last of it is then deleted, so that readings stay short. */
  async #read (client: KafkaClient, connection: KafkaConnection, address: Address): Promise<void> {
    for (const [partition, ledger] of this.#ledgers.entries()) {
      const scan = ledger.scan()
      for (;;) {
        const answer = await passingTrouble(() => client.fetch(address, { topic, partition }, scan.offset, 0))
        if (this.#over.signal.aborted) return
        if (answer === undefined) {
          await pause(20)
          continue
        }
        for (const { at, size } of batches(answer.records)) {
          const batch = answer.records.subarray(at, at + size)
          for (const { offset, value } of decodeRecords(batch, 2 ** 24)) scan.found(Number(offset), Buffer.from(value!).toString())
        }
        if (scan.offset >= answer.highWatermark) break
      }
      scan.end()
      const start = scan.offset - keptRecords
      if (start - ledger.start > keptRecords) await this.#deleteBefore(connection, partition, start)
    }
    this.#scans++
    await pause(50)
  }

  async #deleteBefore (connection: KafkaConnection, partition: number, offset: number): Promise<void> {
    // Whether it is done or not: nobody reads below it any more.
    this.#ledgers[partition]!.deleteBefore(offset)
    await deleteRecords(connection, { topic, partition }, BigInt(offset))
  }

  async #commit (connection: KafkaConnection): Promise<void> {
    if (this.#attempted === 0) await connection.request(ApiKey.FindCoordinator, 3, { key: group, keyType: 0 })
    const offset = ++this.#attempted
    const answer = await connection.request(ApiKey.OffsetCommit, 8, {
      groupId: group, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }]
    })
    const { errorCode } = answer.topics[0]!.partitions[0]!
    if (errorCode === KafkaErrorCode.NONE) this.#committed = offset
    else if (!isRetriable(errorCode)) throw new BrokerError(errorCode, 'commit')
    const found = await connection.request(ApiKey.OffsetFetch, 5, { groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] })
    if (found.errorCode === KafkaErrorCode.NONE) {
      const committed = Number(found.topics[0]!.partitions[0]!.committedOffset)
      assert.ok(committed >= this.#committed && committed <= offset, `the committed offset is ${committed}, acknowledged was ${this.#committed}, asked for ${offset}`)
    } else if (!isRetriable(found.errorCode)) {
      throw new BrokerError(found.errorCode, 'offset fetch')
    }
    await pause(50)
  }

  /** Records that are deleted soon after they came, so that there are always objects to delete. */
  async #pass (client: KafkaClient, connection: KafkaConnection, address: Address): Promise<void> {
    const batch = encodeBatch([{ value: Buffer.alloc(60_000, 'x') }], { timestamp: this.#clock.wallMs() })
    await passingTrouble(() => client.produce(address, { topic: passing, partition: 0 }, batch))
    await pause(100)
    await deleteRecords(connection, { topic: passing, partition: 0 }, -1n)
  }
}

async function deleteRecords (connection: KafkaConnection, { partition, topic: name }: TopicPartition, offset: bigint): Promise<void> {
  const answer = await connection.request(ApiKey.DeleteRecords, 2, { topics: [{ name, partitions: [{ partitionIndex: partition, offset }] }], timeoutMs: 1_000 })
  const { errorCode } = answer.topics[0]!.partitions[0]!
  if (errorCode !== KafkaErrorCode.NONE && !isRetriable(errorCode)) throw new BrokerError(errorCode, `delete records of '${name}'`)
}

/** What a call gives; undefined where it is told what may pass. A client is to be told nothing else. */
async function passingTrouble<T> (call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof BrokerError && isRetriable(error.kafkaCode)) return undefined
    throw error
  }
}
