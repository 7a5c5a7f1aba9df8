import assert from 'node:assert/strict'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import { batches, decodeRecords, encodeBatch, nextOffset } from '../../src/protocol/index.ts'
import { ServiceError } from '../../../sdk/test/remote/memory-service.ts'
import { walKinds } from '../simulation/backends.ts'
import { VirtualBroker, port, turn, type Outage } from './virtual-broker.ts'

const tenMinutesMs = 600_000
const topic = 't'

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

/** Writes one record after another, each until it is confirmed; what is told as failed may be there all the same. */
class Writer {
  readonly acknowledged = new Map<number, string>()
  readonly refusals = new Map<string, number>()
  readonly #world: VirtualBroker
  #isOver = false
  constructor (world: VirtualBroker) { this.#world = world }

  async run (): Promise<void> {
    const { clock, network } = this.#world
    let client = new KafkaClient(network, { host: '127.0.0.1', port })
    const pause = (): Promise<void> => new Promise(resolve => { clock.schedule(500, resolve) })
    for (let n = 0; !this.#isOver; n++) {
      const value = `${n};`.padEnd(20_000, '.')
      const batch = encodeBatch([{ value: Buffer.from(value) }], { timestamp: clock.wallMs() })
      try {
        this.acknowledged.set(await client.produce({ host: '127.0.0.1', port }, { topic, partition: 0 }, batch), value)
      } catch (error) {
        const told = String(error)
        this.refusals.set(told, (this.refusals.get(told) ?? 0) + 1)
        // A client keeps a connection that was closed.
        await client[Symbol.asyncDispose]()
        client = new KafkaClient(network, { host: '127.0.0.1', port })
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
        const world = new VirtualBroker(wal)
        world.start()
        const { engine } = await world.ready()
        const client = new KafkaClient(world.network, { host: '127.0.0.1', port })
        await world.until(client.createTopic(topic, { partitions: 1, configs: {} }))
        const writer = new Writer(world)
        const writing = writer.run()
        await world.pass(20_000)
        const before = writer.acknowledged.size
        world.outage = outage
        await world.pass(tenMinutesMs)
        const during = writer.acknowledged.size - before
        // Beside the store a WAL takes 16 MiB of what comes in 500 ms; then producers are refused for a time.
        if (wal !== 'object') assert.ok(during > 500, `${during} records were acknowledged meanwhile; refused: ${JSON.stringify([...writer.refusals])}`)
        assert.ok(world.lines.some(line => /warn the object store cannot be used now/.test(line)), 'the log says nothing')
        world.outage = undefined
        const after = writer.acknowledged.size
        await world.pass(30_000)
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

describe('a disk that fails while the object store is away', () => {
  for (const wal of ['regional-disk', 'efs'] as const) {
    for (const [name, outage] of Object.entries(outages)) {
      it(`${name}, WAL ${wal}: the process goes on trying, and opens by itself when both are back, with all that it acknowledged`, async () => {
        const world = new VirtualBroker(wal)
        world.start()
        await world.ready()
        const client = new KafkaClient(world.network, { host: '127.0.0.1', port })
        await world.until(client.createTopic(topic, { partitions: 1, configs: {} }))
        const writer = new Writer(world)
        const writing = writer.run()
        await world.pass(5_000)
        world.outage = outage
        await world.pass(5_000)
        world.fileSystem.plan = (_, path) => path.startsWith('/data/wal') ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
        await world.pass(60_000)
        world.fileSystem.plan = undefined
        await world.pass(60_000)
        world.outage = undefined
        await world.pass(60_000)
        writer.end()
        await world.until(writing)
        assert.equal(await Promise.race([world.ended, turn().then(() => 'goes on')]), 'goes on')
        assert.ok(world.readies.length > 1, world.lines.slice(-5).join('\n'))
        const reader = new KafkaClient(world.network, { host: '127.0.0.1', port })
        const found = await world.until(readAll(reader))
        for (const [offset, value] of writer.acknowledged) assert.equal(found.get(offset), value)
        assert.ok(writer.acknowledged.size > 20)
        for (const each of [client, reader]) await world.until(Promise.resolve(each[Symbol.asyncDispose]()))
        world.stop.abort()
        assert.equal(await world.until(world.ended!), 'stopped')
      })
    }
  }
})

describe('a broker that is to stop while its object store does not do its work', () => {
  for (const wal of walKinds) {
    for (const [name, outage] of Object.entries(outages)) {
      it(`${name}, WAL ${wal}: says within 2 s what it waits for while it opens, and stops at once, whenever it is told to`, async () => {
        for (const afterMs of [0, 100, 2_000, 7_000, 20_000]) {
          const world = new VirtualBroker(wal)
          world.outage = outage
          world.start()
          await Promise.race([world.ended, world.pass(afterMs)])
          // Some are told for good at a first start.
          const isOver = await Promise.race([world.ended!.then(() => true), turn().then(() => false)])
          if (!isOver && afterMs >= 2_000) assert.ok(world.lines.some(line => /info waiting for the object stores/.test(line)), world.lines.join('\n'))
          world.stop.abort()
          const end = await world.until(world.ended!, 500)
          assert.ok(isOver || end === 'stopped', String(end))
          assert.equal(world.readies.length, 0)
        }
      })

      it(`${name}, WAL ${wal}: stops within 4.5 s while it serves`, async () => {
        const world = new VirtualBroker(wal)
        world.start()
        await world.ready()
        const client = new KafkaClient(world.network, { host: '127.0.0.1', port })
        await world.until(client.createTopic(topic, { partitions: 1, configs: {} }))
        world.outage = outage
        const writer = new Writer(world)
        const writing = writer.run()
        await world.pass(5_000)
        world.stop.abort()
        assert.equal(await world.until(world.ended!, 4_500), 'stopped')
        writer.end()
        await world.until(writing)
        await world.until(Promise.resolve(client[Symbol.asyncDispose]()))
      })
    }
  }
})

describe('a store that answers again while the broker opens', () => {
  it('is opened by a store that answers again after 5 s, soon after it', async () => {
    const world = new VirtualBroker('object')
    world.outage = outages['silence']
    world.clock.schedule(5_000, () => { world.outage = undefined })
    world.start()
    await world.ready()
    assert.ok(world.clock.monotonicMs() < 20_000, `took ${world.clock.monotonicMs()} ms`)
    world.stop.abort()
    assert.equal(await world.until(world.ended!), 'stopped')
  })
})
