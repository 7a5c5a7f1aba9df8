import { rejectsWith } from '@streambed/conformance'
import {
  MemoryMetadataLog, MemoryObjectStore, MemoryWal, MemoryWalMedium, SeededRandom, VirtualClock, faultOn, faultyMetadataLog, faultyObjectStore, faultyWal,
  memoryObjectStorePlugin, memoryMetadataLogPlugin, memoryWalPlugin, randomFaults, testEnvironment
} from '@streambed/sdk/testing'
import type { Fault } from '@streambed/sdk/testing'
import type { WalRecord } from '@streambed/sdk'
import assert from 'node:assert/strict'

const bytes = Buffer.from('bytes')
const writer = { clusterId: 'c', nodeId: 1, writerEpoch: 1 }

describe('faultyObjectStore', () => {
  const withFault = (method: string, fault: Fault, clock = new VirtualClock()) => {
    const inner = new MemoryObjectStore({ clock })
    return { inner, clock, store: faultyObjectStore(inner, { plan: faultOn(method, fault), clock }) }
  }

  it('fails before or after the effect, once', async () => {
    const before = withFault('put', { kind: 'failBefore' })
    await rejectsWith(before.store.put('a', bytes), 'UNAVAILABLE')
    await rejectsWith(before.inner.head('a'), 'NOT_FOUND')
    await before.store.put('a', bytes)
    const after = withFault('put', { kind: 'failAfter' })
    await rejectsWith(after.store.put('a', bytes, { ifAbsent: true }), 'OUTCOME_UNKNOWN')
    await after.inner.head('a')
    await rejectsWith(withFault('list', { kind: 'failAfter' }).store.list(''), 'UNAVAILABLE')
    await rejectsWith(withFault('put', { kind: 'failBefore', code: 'THROTTLED' }).store.put('a', bytes), 'THROTTLED')
  })

  it('delays by the clock, and hangs until abort or close', async () => {
    const { store, clock } = withFault('put', { kind: 'delay', delayMs: 100 })
    const put = store.put('a', bytes)
    await clock.run(99)
    await rejectsWith(store.head('a'), 'NOT_FOUND')
    await clock.run(1)
    await put
    const hanging = withFault('get', { kind: 'hang' })
    await hanging.store.put('a', bytes)
    const controller = new AbortController()
    const get = rejectsWith(hanging.store.get('a', { signal: controller.signal }), 'ABORTED')
    controller.abort()
    await get
    const closing = withFault('complete', { kind: 'hang', takesEffect: true })
    const upload = await closing.store.startMultipart('a')
    await upload.uploadPart(1, bytes)
    const complete = rejectsWith(upload.complete(), 'CLOSED')
    while (await closing.inner.head('a').then(() => false, () => true));
    await closing.store.close()
    await complete
  })

  it('draws the same faults from the same seed', () => {
    const kinds = (seed: string): string => {
      const plan = randomFaults(new SeededRandom(seed), { failBefore: 0.2, failAfter: 0.2, delay: 0.2, hang: 0.2 })
      return Array.from({ length: 50 }, (_, index) => plan({ method: 'put', index }).kind).join()
    }
    assert.equal(kinds('a'), kinds('a'))
    for (const kind of ['none', 'failBefore', 'failAfter', 'delay', 'hang']) assert.ok(kinds('a').includes(kind))
  })
})

describe('faultyMetadataLog', () => {
  it('loses the answer of an append that took effect', async () => {
    const clock = new VirtualClock()
    const inner = new MemoryMetadataLog()
    await using log = faultyMetadataLog(inner, { plan: faultOn('append', { kind: 'failAfter' }), clock })
    await rejectsWith(log.append(0, [bytes]), 'OUTCOME_UNKNOWN')
    assert.equal((await log.read(0)).end, 1)
  })
})

describe('faultyWal and MemoryWal', () => {
  async function recovered (records: AsyncIterable<WalRecord>): Promise<string[]> {
    const texts: string[] = []
    for await (const { data } of records) texts.push(Buffer.from(data).toString())
    return texts
  }

  it('a delayed append holds up those after it, and order is kept', async () => {
    const clock = new VirtualClock()
    const wal = faultyWal(await MemoryWal.open(new MemoryWalMedium(), writer), { plan: faultOn('append', { kind: 'delay', delayMs: 10 }), clock })
    const done: number[] = []
    const appends = [0, 1, 2].map(n => wal.append([Buffer.from(String(n))]).then(() => done.push(n)))
    await clock.run(9)
    assert.deepEqual(done, [])
    await clock.run(1)
    await Promise.all(appends)
    assert.deepEqual(done, [0, 1, 2])
    await wal.close()
  })

  it('after a failure for good every later append fails, until the log is opened again', async () => {
    const clock = new VirtualClock()
    const medium = new MemoryWalMedium()
    const wal = faultyWal(await MemoryWal.open(medium, writer), { plan: call => ({ kind: call.index === 1 ? 'failAfter' : 'none' }), clock })
    const appends = ['a', 'b', 'c'].map(text => wal.append([Buffer.from(text)]))
    await appends[0]
    await rejectsWith(appends[1]!, 'OUTCOME_UNKNOWN')
    await rejectsWith(appends[2]!, 'OUTCOME_UNKNOWN')
    await wal.close()
    const again = await MemoryWal.open(medium, { ...writer, writerEpoch: 2 })
    assert.deepEqual(await recovered(again.recover()), ['a', 'b'])
    await rejectsWith(recovered(again.recover()), 'INVALID_ARGUMENT')
  })

  it('a failure that passes does not end the log, and a hanging append ends with close', async () => {
    const clock = new VirtualClock()
    const faults: readonly Fault[] = [{ kind: 'failBefore', code: 'OVER_CAPACITY' }, { kind: 'none' }, { kind: 'hang' }]
    const wal = faultyWal(await MemoryWal.open(new MemoryWalMedium(), writer), { plan: ({ index }) => faults[index]!, clock })
    await rejectsWith(wal.append([bytes]), 'OVER_CAPACITY')
    await wal.append([bytes])
    const hanging = rejectsWith(wal.append([bytes]), 'CLOSED')
    await wal.close()
    await hanging
  })

  it('recovery can fail before it begins', async () => {
    const clock = new VirtualClock()
    const wal = faultyWal(await MemoryWal.open(new MemoryWalMedium(), writer), { plan: faultOn('recover', { kind: 'failBefore' }), clock })
    await rejectsWith(recovered(wal.recover()), 'UNAVAILABLE')
    assert.deepEqual(await recovered(wal.recover()), [])
    await wal.close()
  })

  it('a higher epoch fences, an epoch that is not higher is fenced, another node is refused', async () => {
    const medium = new MemoryWalMedium()
    const old = await MemoryWal.open(medium, writer)
    await old.append([bytes])
    await rejectsWith(MemoryWal.open(medium, writer), 'FENCED')
    await rejectsWith(MemoryWal.open(medium, { ...writer, nodeId: 2, writerEpoch: 9 }), 'MISCONFIGURED')
    await MemoryWal.open(medium, { ...writer, writerEpoch: 2 })
    await rejectsWith(old.append([bytes]), 'FENCED')
    await rejectsWith(old.trim(0), 'FENCED')
  })

  it('a full log takes more after a trim, at once', async () => {
    const wal = await MemoryWal.open(new MemoryWalMedium({ capacityBytes: 1000, recordBytesMax: 600 }), writer)
    await rejectsWith(wal.append([]), 'INVALID_ARGUMENT')
    await rejectsWith(wal.append([new Uint8Array(601)]), 'INVALID_ARGUMENT')
    const position = await wal.append([new Uint8Array(500)])
    await rejectsWith(wal.append([new Uint8Array(500)]), 'OVER_CAPACITY')
    await rejectsWith(wal.trim(position + 600), 'INVALID_ARGUMENT')
    await wal.trim(position)
    await wal.trim(position)
    assert.equal(wal.usage().usedBytes, 0)
    assert.ok(await wal.append([new Uint8Array(500)]) > position)
    await wal.close()
    await rejectsWith(wal.append([bytes]), 'CLOSED')
  })
})

describe('memory plugins', () => {
  it('open on their medium and take no options', async () => {
    const environment = testEnvironment()
    const objects = memoryObjectStorePlugin()
    await (await objects.open({}, environment)).put('a', bytes)
    await (await objects.open({}, environment)).head('a')
    const log = await memoryMetadataLogPlugin().open({}, environment, {})
    await log.append(0, [bytes])
    const wal = await memoryWalPlugin().open({}, environment, { writer })
    await wal.append([bytes])
    const { validate } = objects.options['~standard']
    assert.deepEqual(await validate({}), { value: {} })
    for (const wrong of [{ path: 'x' }, 3, null]) assert.ok('issues' in await validate(wrong))
  })
})
