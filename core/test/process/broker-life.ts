import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { StreambedError } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { BrokerError, KafkaClient } from '../../src/client/kafka-client.ts'
import { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { loadConfig } from '../../src/main/config/load-config.ts'
import { openBroker, type OpenBroker } from '../../src/main/open-broker.ts'
import { recover, type Loss } from '../../src/main/recover/recover.ts'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey, batches, decodeRecords, encodeBatch, nextOffset } from '../../src/protocol/index.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { nodeNetwork } from '../../src/runtime/node-network.ts'

/** What stands in the folders of a broker: bytes by path below its folder, of a folder none, its path ending in a slash. Of a process that is killed, when taken between two turns. */
export type Image = ReadonlyMap<string, Uint8Array>

/** What a broker acknowledged. */
export interface Acknowledged {
  /** Values by topic, each at its offset. */
  readonly records: ReadonlyMap<string, ReadonlyMap<number, string>>
  /** The same, and what was deleted since. */
  readonly everything: ReadonlyMap<string, ReadonlyMap<number, string>>
  /** Where each topic begins. */
  readonly starts: ReadonlyMap<string, number>
  /** The group's committed offset of topic `a`; −1 before the first commit. */
  readonly committed: number
}

/** `told`: the broker starts, and whoever reads what is damaged is told so. */
export type Verdict = 'refused' | 'whole' | 'told' | 'lost'

export interface Storage { readonly wal: object, readonly metadata: object }

const toldCodes: readonly number[] = [KafkaErrorCode.CORRUPT_MESSAGE, KafkaErrorCode.KAFKA_STORAGE_ERROR, KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, KafkaErrorCode.COORDINATOR_LOAD_IN_PROGRESS]
const group = 'g'

/** The folders of one broker, on which brokers of this process live one after the other. */
export class BrokerLife {
  readonly folder: string
  readonly #storageOf: (folder: string) => Storage
  readonly #records = new Map<string, Map<number, string>>()
  readonly #everything = new Map<string, Map<number, string>>()
  readonly #starts = new Map<string, number>()
  #committed = -1

  constructor (folder: string, storageOf: (folder: string) => Storage) {
    this.folder = folder
    this.#storageOf = storageOf
  }

  get acknowledged (): Acknowledged {
    const copyOf = (topics: ReadonlyMap<string, ReadonlyMap<number, string>>): Map<string, Map<number, string>> => new Map([...topics].map(([topic, values]) => [topic, new Map(values)]))
    return { records: copyOf(this.#records), everything: copyOf(this.#everything), starts: new Map(this.#starts), committed: this.#committed }
  }

  async #config (changed: object = {}) {
    return await loadConfig({ environment: {}, settings: {
      node: { listeners: ['plaintext://127.0.0.1:0'] },
      kafka: { 'group.initial.rebalance.delay.ms': 0, 'offsets.topic.num.partitions': 1 },
      storage: { objects: { plugin: 'fs', path: path.join(this.folder, 'objects') }, ...this.#storageOf(this.folder), uploadBytes: '1MiB', streamObjectBytesMin: '64KiB', blockBytes: '64KiB', deletionGraceMs: 0, ...changed }
    } })
  }

  async open (changed?: object): Promise<LiveBroker> {
    const broker = await openBroker(await this.#config(changed), { environment: nodeEnvironment({ crc32c }), network: nodeNetwork })
    return new LiveBroker(broker)
  }

  /** What `streambed recover` says. */
  async recover (accepted: readonly Loss[], changed?: object): Promise<string[]> {
    const notes: string[] = []
    for await (const { text } of recover(await this.#config(changed), nodeEnvironment({ crc32c }), new Set(accepted))) notes.push(text)
    return notes
  }

  async createTopic (live: LiveBroker, topic: string): Promise<void> {
    await live.client.createTopic(topic, { partitions: 1, configs: { 'retention.ms': '-1' } })
    this.#records.set(topic, new Map())
    this.#everything.set(topic, new Map())
    this.#starts.set(topic, 0)
  }

  async produce (live: LiveBroker, topic: string, value: string): Promise<void> {
    const offset = await live.append(topic, value)
    assert.equal(this.#records.get(topic)!.get(offset), undefined, 'an offset was given out twice')
    this.#records.get(topic)!.set(offset, value)
    this.#everything.get(topic)!.set(offset, value)
  }

  async commit (live: LiveBroker, offset: number): Promise<void> {
    await live.commit(offset)
    this.#committed = offset
  }

  async deleteRecords (live: LiveBroker, topic: string, before: number): Promise<void> {
    await live.deleteRecords(topic, before)
    this.#starts.set(topic, before)
    for (const offset of this.#records.get(topic)!.keys()) if (offset < before) this.#records.get(topic)!.delete(offset)
  }

  /** Taken again when a running broker's file operations, which other threads do, removed a file meanwhile. */
  image (): Image {
    for (;;) {
      try {
        return this.#imageNow()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }

  #imageNow (): Image {
    const image = new Map<string, Uint8Array>()
    for (const entry of fs.readdirSync(this.folder, { recursive: true, withFileTypes: true })) {
      const place = path.join(entry.parentPath, entry.name)
      const name = path.relative(this.folder, place)
      if (entry.isDirectory()) image.set(`${name}/`, new Uint8Array(0))
      else if (entry.name !== 'lock') image.set(name, new Uint8Array(fs.readFileSync(place)))
    }
    return image
  }

  /** Makes the folders be as in `image`. */
  put (image: Image): void {
    fs.rmSync(this.folder, { recursive: true, force: true })
    for (const [name, bytes] of image) this.putFile(name, bytes)
  }

  putFile (name: string, bytes: Uint8Array | undefined): void {
    const file = path.join(this.folder, name)
    if (bytes === undefined) return fs.rmSync(file, { recursive: true, force: true })
    if (name.endsWith('/')) {
      fs.mkdirSync(file, { recursive: true })
      return
    }
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, bytes)
  }
}

/** A broker that runs in this process, and a client of it. */
export class LiveBroker implements AsyncDisposable {
  readonly broker: OpenBroker
  readonly client: KafkaClient

  constructor (broker: OpenBroker) {
    this.broker = broker
    this.client = new KafkaClient(nodeNetwork, this.address)
  }

  get address (): { readonly host: string, readonly port: number } { return { host: '127.0.0.1', port: this.broker.server.addresses[0]!.port } }

  /** Resolves with the record's offset. */
  async append (topic: string, value: string): Promise<number> {
    return await this.client.produce(this.address, { topic, partition: 0 }, encodeBatch([{ value: Buffer.from(value) }], { timestamp: 1 }))
  }

  async commit (committedOffset: number): Promise<void> {
    await using connection = await KafkaConnection.open(nodeNetwork, this.address, 'test')
    // Makes the topic of the offsets.
    await connection.request(ApiKey.FindCoordinator, 1, { key: group, keyType: 0 })
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }]
    const answer = await this.#again(async () => {
      const { topics: [topic] } = await connection.request(ApiKey.OffsetCommit, 8, { groupId: group, generationIdOrMemberEpoch: -1, memberId: '', topics })
      return topic!.partitions[0]!.errorCode
    })
    assert.equal(answer, KafkaErrorCode.NONE)
  }

  /** The offset that the group committed; a BrokerError where the broker cannot tell. */
  async committed (): Promise<number> {
    await using connection = await KafkaConnection.open(nodeNetwork, this.address, 'test')
    let offset = -1
    const code = await this.#again(async () => {
      const answer = await connection.request(ApiKey.OffsetFetch, 7, { groupId: group, topics: [{ name: 'a', partitionIndexes: [0] }], requireStable: false })
      offset = Number(answer.topics[0]?.partitions[0]?.committedOffset ?? -1)
      return answer.errorCode !== 0 ? answer.errorCode : answer.topics[0]?.partitions[0]?.errorCode ?? 0
    })
    if (code !== 0) throw new BrokerError(code, 'committed offset')
    return offset
  }

  async #again (ask: () => Promise<number>): Promise<number> {
    for (let attempt = 0; ; attempt++) {
      const code = await ask()
      if (attempt > 200 || code !== KafkaErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return code
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }

  async deleteRecords (topic: string, before: number): Promise<void> {
    await using connection = await KafkaConnection.open(nodeNetwork, this.address, 'test')
    const { topics } = await connection.request(ApiKey.DeleteRecords, 2, { topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: before }] }], timeoutMs: 10_000 })
    assert.equal(topics[0]!.partitions[0]!.errorCode, 0)
  }

  async end (topic: string): Promise<number> { return await this.client.offsetFor(this.address, { topic, partition: 0 }, -1) }
  async start (topic: string): Promise<number> { return await this.client.offsetFor(this.address, { topic, partition: 0 }, -2) }

  /** Values by offset from where the topic begins to its end; each offset is covered. */
  async read (topic: string, values = new Map<number, string>()): Promise<Map<number, string>> {
    for (let offset = await this.start(topic); ;) {
      const { highWatermark, records } = await this.client.fetch(this.address, { topic, partition: 0 }, offset, 0)
      if (offset >= highWatermark) return values
      assert.ok(records.length > 0, `nothing is there at ${offset} of ${topic}, which ends at ${highWatermark}`)
      for (const { at: position, size } of batches(records)) {
        const batch = records.subarray(position, position + size)
        // The gap that a recovery leaves is a batch without records.
        for (const { offset: at, value } of decodeRecords(batch, 2 ** 24)) if (at >= offset) values.set(at, Buffer.from(value!).toString())
        offset = nextOffset(batch)
      }
    }
  }

  /** The same, up to where the broker says that what it holds is damaged. */
  async readUntilTold (topic: string): Promise<Map<number, string>> {
    const values = new Map<number, string>()
    return await this.read(topic, values).catch((error: unknown) => {
      if (error instanceof BrokerError && toldCodes.includes(error.kafkaCode)) return values
      throw error
    })
  }

  /** What became of all that was acknowledged. */
  async verdict ({ committed, records, starts }: Acknowledged): Promise<{ readonly verdict: Exclude<Verdict, 'refused'>, readonly why: string }> {
    let verdict: Exclude<Verdict, 'refused'> = 'whole'
    let why = ''
    const told = async (read: () => Promise<string | undefined>): Promise<void> => {
      try {
        const problem = await read()
        if (problem === undefined) return
        verdict = 'lost'
        why = problem
      } catch (error) {
        if (!(error instanceof BrokerError) || !toldCodes.includes(error.kafkaCode)) {
          verdict = 'lost'
          why = `told by a wrong code: ${String(error)}`
          return
        }
        if (verdict === 'whole') verdict = 'told'
        why ||= error.message
      }
    }
    for (const [topic, values] of records) {
      await told(async () => {
        const found = await this.read(topic)
        for (const [offset, value] of values) if (found.get(offset) !== value) return `${topic} ${offset}: expected ${value.slice(0, 10)} found ${found.get(offset)?.slice(0, 10)}`
        const start = await this.start(topic)
        return start <= starts.get(topic)! ? undefined : `${topic} starts at ${start}`
      })
    }
    if (committed >= 0) await told(async () => {
      const offset = await this.committed()
      return offset >= committed ? undefined : `committed ${offset}, acknowledged ${committed}`
    })
    return { verdict, why }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.client.close()
    await this.broker[Symbol.asyncDispose]()
  }
}

/** How a start ends, given what had been acknowledged. */
export async function startOf (life: BrokerLife, acknowledged: Acknowledged, changed?: object): Promise<{ readonly verdict: Verdict, readonly why: string, readonly error?: StreambedError }> {
  let live
  try {
    live = await life.open(changed)
  } catch (error) {
    if (!StreambedError.is(error)) throw error
    return { verdict: 'refused', why: `${error.code} ${error.message}`, error }
  }
  await using open = live
  return await open.verdict(acknowledged)
}
