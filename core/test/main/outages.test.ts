import assert from 'node:assert/strict'
import type { Logger } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import { References } from '@streambed/sdk/node'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import { Origin } from '../../src/main/config/origin.ts'
import type { BrokerConfig } from '../../src/main/config/broker-config.ts'
import type { OpenBroker } from '../../src/main/open-broker.ts'
import { runBroker } from '../../src/main/run-broker.ts'
import { batches, decodeRecords, encodeBatch, nextOffset } from '../../src/protocol/index.ts'
import { defaultServerLimits } from '../../src/server/limits.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'
import { ServiceError } from '../../../sdk/test/remote/memory-service.ts'
import { MemoryNetwork } from '../support/memory-network.ts'
import { SimulatedService, simulatedBackends, storageConfig, walKinds, type BackendKinds } from '../simulation/backends.ts'

const tenMinutesMs = 600_000
const port = 9_092
const topic = 't'

/** How a store does not do its work. Called before and after each request takes effect. */
type Outage = (when: 'before' | 'after') => void | Promise<void>

const refuse = (code: ConstructorParameters<typeof ServiceError>[0]): Outage => when => { if (when === 'before') throw new ServiceError(code) }
const outages: Readonly<Record<string, Outage>> = {
  '403, as while credentials rotate': refuse('PERMISSION_DENIED'),
  'a bucket that is not there': refuse('MISCONFIGURED'),
  '405 of a proxy': refuse('UNSUPPORTED'),
  '404 to everything': refuse('NOT_FOUND'),
  '409': refuse('CONFLICT'),
  '503': refuse('THROTTLED'),
  'connections that are reset': refuse('NO_VERDICT'),
  'answers that are lost after the effect': when => { if (when === 'after') throw new ServiceError('NO_VERDICT') },
  silence: () => new Promise<never>(() => undefined)
}

/** A broker whose object store does as it is told, under a clock that stands still between two steps of the test. */
class World {
  readonly clock = new VirtualClock()
  readonly random = new SeededRandom('outages')
  readonly service = new SimulatedService(() => this.clock.wallMs(), (_, when) => this.outage?.(when))
  readonly fileSystem = new SimulatedFileSystem({ clock: this.clock, random: this.random })
  readonly network = new MemoryNetwork({ clock: this.clock, latencyMs: () => 0.1 })
  readonly stop = new AbortController()
  readonly lines: string[] = []
  readonly readies: OpenBroker[] = []
  readonly kinds: BackendKinds
  outage: Outage | undefined
  ended: Promise<unknown> | undefined

  constructor (wal: BackendKinds['wal']) { this.kinds = { wal, store: 'remote', metadata: 'file' } }

  start (): void {
    const at = (level: string) => (message: string, fields?: object): void => { this.lines.push(`${Math.round(this.clock.monotonicMs())} ${level} ${message} ${JSON.stringify(fields ?? {})}`) }
    const logger: Logger = { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error'), child: () => logger }
    const environment = { ...testEnvironment({ clock: this.clock, random: this.random, fileSystem: this.fileSystem }), logger }
    const config: BrokerConfig = {
      node: { id: 1, rack: null, listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port }] },
      storage: {
        ...storageConfig(this.kinds, 64 * 2 ** 20, { kind: this.kinds.wal, name: '', extraMiB: 60 }),
        engine: { ...defaultStorageOptions, uploadBytes: 64 * 1024, uploadIntervalMs: 1_000, pendingBytesMax: 16 * 2 ** 20 }
      },
      kafka: {},
      limits: defaultServerLimits,
      log: { level: 'debug' },
      origin: new Origin('the test'),
      references: new References({}, '/'),
      baseFolder: '/'
    }
    // What an object WAL does when its puts fail for long is another test's.
    if (this.kinds.wal === 'object') Object.assign(config.storage.wal.options as object, { putDeadlineMs: 3_600_000, putTimeoutMs: 10_000 })
    this.ended = simulatedBackends(this.kinds, config.storage, {
      service: this.service, guard: call => call(), faults: () => () => ({ kind: 'none' }), lying: store => store, sabotage: undefined
    }).then(backends => runBroker({
      config, host: { environment, network: this.network, backends }, stop: this.stop.signal, onReady: broker => { this.readies.push(broker) }
    })).then(() => 'stopped', (error: unknown) => error)
  }

  /** Lets time pass until `promise` settles. */
  async until<T> (promise: Promise<T>, limitMs = tenMinutesMs): Promise<T> {
    const endMs = this.clock.monotonicMs() + limitMs
    let isSettled = false
    promise.then(() => { isSettled = true }, () => { isSettled = true })
    for (;;) {
      await turn()
      if (isSettled) return await promise
      assert.ok(this.clock.monotonicMs() <= endMs && this.clock.advanceToNext(), `nothing came of it within ${limitMs} ms\n${this.lines.slice(-10).join('\n')}`)
    }
  }

  async ready (): Promise<OpenBroker> {
    await this.until((async () => { while (this.readies.length === 0) await turn() })())
    return this.readies.at(-1)!
  }
}

async function turn (): Promise<void> { await new Promise<void>(resolve => { setImmediate(resolve) }) }

/** Writes one record after another, each until it is confirmed; what is told as failed may be there all the same. */
class Writer {
  readonly acknowledged = new Map<number, string>()
  readonly refusals = new Map<string, number>()
  readonly #world: World
  #isOver = false
  constructor (world: World) { this.#world = world }

  async run (): Promise<void> {
    const { clock, network } = this.#world
    const client = new KafkaClient(network, { host: '127.0.0.1', port })
    const pause = (): Promise<void> => new Promise(resolve => { clock.schedule(500, resolve) })
    for (let n = 0; !this.#isOver; n++) {
      const value = `${n};`.padEnd(20_000, '.')
      const batch = encodeBatch([{ value: Buffer.from(value) }], { timestamp: clock.wallMs() })
      try {
        this.acknowledged.set(await client.produce({ host: '127.0.0.1', port }, { topic, partition: 0 }, batch), value)
      } catch (error) {
        const told = String(error)
        this.refusals.set(told, (this.refusals.get(told) ?? 0) + 1)
      }
      await pause()
    }
    await client[Symbol.asyncDispose]()
  }

  end (): void { this.#isOver = true }
}

async function readAll (client: KafkaClient): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for (let offset = 0; ;) {
    const { highWatermark, records } = await client.fetch({ host: '127.0.0.1', port }, { topic, partition: 0 }, offset, 0)
    if (offset >= highWatermark) return found
    for (const { at, size } of batches(records)) {
      const batch = records.subarray(at, at + size)
      for (const { offset: of, value } of decodeRecords(batch, 2 ** 24)) found.set(Number(of), Buffer.from(value!).toString())
      offset = nextOffset(batch)
    }
  }
}

describe('ten minutes without an object store', () => {
  for (const wal of walKinds) {
    for (const [name, outage] of Object.entries(outages)) {
      it(`${name}, WAL ${wal}: nothing is lost or opened again, and all goes on by itself`, async () => {
        const world = new World(wal)
        world.start()
        const { engine } = await world.ready()
        const client = new KafkaClient(world.network, { host: '127.0.0.1', port })
        await world.until(client.createTopic(topic, { partitions: 1, configs: {} }))
        const writer = new Writer(world)
        const writing = writer.run()
        await world.until(new Promise<void>(resolve => { world.clock.schedule(20_000, resolve) }))
        const before = writer.acknowledged.size
        world.outage = outage
        await world.until(new Promise<void>(resolve => { world.clock.schedule(tenMinutesMs, resolve) }), 2 * tenMinutesMs)
        const during = writer.acknowledged.size - before
        // Beside the store a WAL takes 16 MiB of what comes in 500 ms; then producers are refused for a time.
        if (wal !== 'object') assert.ok(during > 500, `${during} records were acknowledged meanwhile; refused: ${JSON.stringify([...writer.refusals])}`)
        assert.ok(world.lines.some(line => /warn the object store cannot be used now/.test(line)), 'the log says nothing')
        world.outage = undefined
        const after = writer.acknowledged.size
        await world.until(new Promise<void>(resolve => { world.clock.schedule(30_000, resolve) }))
        assert.ok(writer.acknowledged.size - after > 20, `${writer.acknowledged.size - after} records were acknowledged within 30 s after it`)
        writer.end()
        await world.until(writing)
        await world.until(engine.flush())
        assert.equal(world.readies.length, 1, world.lines.filter(line => line.includes(' error ')).join('\n'))
        const found = await world.until(readAll(client))
        for (const [offset, value] of writer.acknowledged) assert.equal(found.get(offset), value)
        assert.deepEqual([...found.keys()], Array.from({ length: found.size }, (_, offset) => offset))
        await world.until(Promise.resolve(client[Symbol.asyncDispose]()))
        world.stop.abort()
        assert.equal(await world.until(world.ended!), 'stopped')
      })
    }
  }
})

describe('a broker that is to stop while its object store does not answer', () => {
  for (const wal of walKinds) {
    it(`while it opens, WAL ${wal}: says within 2 s what it waits for, and stops at once`, async () => {
      const world = new World(wal)
      world.outage = outages['silence']
      world.start()
      await world.until(new Promise<void>(resolve => { world.clock.schedule(2_000, resolve) }))
      assert.ok(world.lines.some(line => /info waiting for the object stores/.test(line)), world.lines.join('\n'))
      world.stop.abort()
      assert.equal(await world.until(world.ended!, 500), 'stopped')
      assert.equal(world.readies.length, 0)
    })

    it(`while it serves, WAL ${wal}: within 4.5 s`, async () => {
      const world = new World(wal)
      world.start()
      await world.ready()
      const client = new KafkaClient(world.network, { host: '127.0.0.1', port })
      await world.until(client.createTopic(topic, { partitions: 1, configs: {} }))
      world.outage = outages['silence']
      const writer = new Writer(world)
      const writing = writer.run()
      await world.until(new Promise<void>(resolve => { world.clock.schedule(5_000, resolve) }))
      world.stop.abort()
      assert.equal(await world.until(world.ended!, 4_500), 'stopped')
      writer.end()
      await world.until(writing)
      await world.until(Promise.resolve(client[Symbol.asyncDispose]()))
    })
  }
})
