import assert from 'node:assert/strict'
import { StreambedError, type ErrorCode, type ObjectStore } from '@streambed/sdk'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import { BrokerFixture, type OpenBroker } from '../broker-fixture.ts'

type Get = (target: ObjectStore, ...args: Parameters<ObjectStore['get']>) => Promise<Uint8Array>

/** A store whose gets answer as `get` says. */
function answering (store: ObjectStore, get: () => Get): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return name === 'get' ? (...args: Parameters<ObjectStore['get']>) => get()(target, ...args) : (...args: unknown[]): unknown => Reflect.apply(value, target, args)
    }
  })
}

const honest: Get = (target, ...args) => target.get(...args)
const rejecting = (code: ErrorCode): Get => async () => { throw new StreambedError(code, 'says the store') }
const flipped: Get = async (target, ...args) => {
  const bytes = Uint8Array.from(await target.get(...args))
  bytes[Math.floor(bytes.length / 3)]! ^= 1
  return bytes
}
const shortened: Get = async (target, ...args) => (await target.get(...args)).subarray(0, -1)

/** A broker that holds records in an object alone: its own memory was lost with the process before. */
async function coldBroker () {
  const fixture = new BrokerFixture()
  const first = await fixture.open()
  await first.createTopic('t')
  for (let n = 0; n < 3; n++) await first.produce('t', 0, [{ key: null, value: Buffer.from(`v${n}`) }], { timestamp: 1_000 + n, producerId: 4, producerEpoch: 0, baseSequence: n })
  await first.engine.flush()
  await first.close()
  await first.engine.flush().catch(() => undefined)
  let get = honest
  fixture.wrapStore = store => answering(store, () => get)
  return { fixture, open: (next: Get = honest) => { get = next; return fixture.open() }, answer: (next: Get) => { get = next } }
}

async function fetchCode (broker: OpenBroker): Promise<KafkaErrorCode> {
  const { responses } = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20, currentLeaderEpoch: -1 }] }] })
  return responses[0]!.partitions[0]!.errorCode as KafkaErrorCode
}

async function listCode (broker: OpenBroker): Promise<KafkaErrorCode> {
  const { topics } = await broker.request(ApiKey.ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: 1_001 }] }] })
  return topics[0]!.partitions[0]!.errorCode as KafkaErrorCode
}

const answers: readonly { readonly name: string, readonly get: Get, readonly fetched: KafkaErrorCode, readonly listed: KafkaErrorCode }[] = [
  { name: 'NOT_FOUND', get: rejecting('NOT_FOUND'), fetched: KafkaErrorCode.KAFKA_STORAGE_ERROR, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'OUT_OF_RANGE', get: rejecting('OUT_OF_RANGE'), fetched: KafkaErrorCode.CORRUPT_MESSAGE, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'fewer bytes than were asked for', get: shortened, fetched: KafkaErrorCode.CORRUPT_MESSAGE, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'a flipped bit', get: flipped, fetched: KafkaErrorCode.CORRUPT_MESSAGE, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'CORRUPT', get: rejecting('CORRUPT'), fetched: KafkaErrorCode.CORRUPT_MESSAGE, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'PERMISSION_DENIED', get: rejecting('PERMISSION_DENIED'), fetched: KafkaErrorCode.KAFKA_STORAGE_ERROR, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'MISCONFIGURED', get: rejecting('MISCONFIGURED'), fetched: KafkaErrorCode.KAFKA_STORAGE_ERROR, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'ALREADY_EXISTS', get: rejecting('ALREADY_EXISTS'), fetched: KafkaErrorCode.KAFKA_STORAGE_ERROR, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR },
  { name: 'INVALID_ARGUMENT', get: rejecting('INVALID_ARGUMENT'), fetched: KafkaErrorCode.KAFKA_STORAGE_ERROR, listed: KafkaErrorCode.KAFKA_STORAGE_ERROR }
]

describe("a store's words about an object", () => {
  for (const { fetched, get, listed, name } of answers) {
    it(`${name}, again and again, says nothing of the client's offset or topic: Fetch ${fetched}, ListOffsets ${listed}`, async () => {
      const { answer, open } = await coldBroker()
      await using broker = await open()
      // Opened while all was well.
      assert.equal(await listCode(broker), KafkaErrorCode.NONE)
      await broker.close()
      await using again = await open()
      await again.broker.services.topics.openAll()
      answer(get)
      assert.deepEqual([await fetchCode(again), await listCode(again)], [fetched, listed])
      answer(honest)
      assert.deepEqual([await fetchCode(again), await listCode(again)], [KafkaErrorCode.NONE, KafkaErrorCode.NONE])
    })
  }

  for (const { get, name } of answers.filter(({ name: of }) => !/^(PERMISSION|MISCONF|ALREADY|INVALID)/.test(of))) {
    it(`${name}, once, is asked again and told to nobody`, async () => {
      const { answer, open } = await coldBroker()
      await using broker = await open()
      await broker.broker.services.topics.openAll()
      let isFirst = true
      answer(async (...args) => {
        if (!isFirst) return await honest(...args)
        isFirst = false
        return await get(...args)
      })
      assert.equal(await fetchCode(broker), KafkaErrorCode.NONE)
      assert.ok(!isFirst)
    })
  }

  it('an object that stays missing for a minute is lost: the consumer is told so, and the log names object and offsets', async () => {
    const { answer, fixture, open } = await coldBroker()
    await using broker = await open()
    await broker.broker.services.topics.openAll()
    answer(rejecting('NOT_FOUND'))
    assert.equal(await fetchCode(broker), KafkaErrorCode.KAFKA_STORAGE_ERROR)
    await fixture.clock.advance(60_000)
    assert.equal(await fetchCode(broker), KafkaErrorCode.CORRUPT_MESSAGE)
    assert.ok(fixture.log.some(({ fields, level }) => level === 'error' && String(fields?.['object']).startsWith('objects/') && /restore/.test(String(fields?.['remedy']))), JSON.stringify(fixture.log))
  })

  it('damage in a block is reported with topic, partition and offsets', async () => {
    const { answer, fixture, open } = await coldBroker()
    await using broker = await open()
    await broker.broker.services.topics.openAll()
    let count = 0
    // The index is had in one piece; blocks come after it.
    answer(async (...args) => ++count === 1 ? await honest(...args) : await flipped(...args))
    assert.equal(await fetchCode(broker), KafkaErrorCode.CORRUPT_MESSAGE)
    const line = fixture.log.find(({ fields }) => fields?.['name'] !== undefined)
    assert.deepEqual([line?.fields?.['name'], line?.fields?.['startOffset'], line?.fields?.['endOffset']], ['t-0', 0, 3])
  })

  for (const { get, name } of answers) {
    it(`${name} while a partition opens: a storage error for those who ask, and it opens once the store is well`, async () => {
      const { answer, open } = await coldBroker()
      await using broker = await open(get)
      const code = await fetchCode(broker)
      assert.ok(code === KafkaErrorCode.KAFKA_STORAGE_ERROR || code === KafkaErrorCode.CORRUPT_MESSAGE, String(code))
      answer(honest)
      assert.equal(await fetchCode(broker), KafkaErrorCode.NONE)
      // Producer state was neither lost nor made up.
      assert.equal(await broker.produce('t', 0, [{ key: null, value: Buffer.from('v2') }], { timestamp: 1_002, producerId: 4, producerEpoch: 0, baseSequence: 2 }), 2)
    })
  }
})
