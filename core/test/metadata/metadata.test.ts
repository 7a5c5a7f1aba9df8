import assert from 'node:assert/strict'
import { StreambedError } from '@streambed/sdk'
import { MemoryMetadataLog, MemoryMetadataMedium, SeededRandom, VirtualClock, faultOn, faultyMetadataLog, testEnvironment } from '@streambed/sdk/testing'
import { ClusterImage } from '../../src/metadata/image.ts'
import { Metadata, type Change } from '../../src/metadata/metadata.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { decodeSnapshot, encodeSnapshot } from '../../src/metadata/snapshot.ts'

function open (medium: MemoryMetadataMedium, seed: string, options: { readonly loseAnswers?: number, readonly snapshotEveryEntries?: number } = {}): Promise<Metadata> {
  const environment = testEnvironment({ random: new SeededRandom(seed) })
  const log = new MemoryMetadataLog(medium)
  const faulty = options.loseAnswers === undefined ? log : faultyMetadataLog(log, { clock: environment.clock, plan: faultOn('append', { kind: 'failAfter' }, options.loseAnswers) })
  return Metadata.open({ log: faulty, environment, snapshotEveryEntries: options.snapshotEveryEntries ?? 1_000 })
}

const register = (nodeId: number): Change<number> => image => {
  const epoch = (image.node(nodeId)?.epoch ?? 0) + 1
  return { records: [{ type: 'nodeRegistered', nodeId, epoch, endpoints: [], rack: null }], result: epoch }
}

const createTopic = (name: string): Change<string> => image => ({
  records: [{ type: 'topicCreated', topicId: `id-${name}`, name, partitionCount: 2, ownerNodeId: 1, firstStreamId: image.nextStreamId, configs: {} }],
  result: `id-${name}`
})

describe('metadata', () => {
  it('mints node epochs from the log, each once, however many race', async () => {
    const medium = new MemoryMetadataMedium()
    const nodes = await Promise.all(['a', 'b', 'c'].map(seed => open(medium, seed)))
    const epochs = await Promise.all(nodes.flatMap(node => Array.from({ length: 20 }, () => node.propose(register(1)))))
    assert.deepEqual(epochs.sort((left, right) => left - right), Array.from({ length: 60 }, (_, at) => at + 1))
    for (const node of nodes) await node.close()
  })

  it('of two that create one topic, one learns that it exists', async () => {
    const medium = new MemoryMetadataMedium()
    const [left, right] = [await open(medium, 'a'), await open(medium, 'b')]
    const outcomes = await Promise.allSettled([left.propose(createTopic('t')), right.propose(createTopic('t'))])
    const refused = outcomes.filter(outcome => outcome.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.ok(StreambedError.is(refused[0]!.reason, 'ALREADY_EXISTS'))
    await left.close()
    await right.close()
  })

  it('a proposal sees those before it in the same append, and one refused changes nothing', async () => {
    const metadata = await open(new MemoryMetadataMedium(), 'a')
    const outcomes = await Promise.allSettled([createTopic('x'), createTopic('x'), createTopic('y')].map(change => metadata.propose(change)))
    assert.deepEqual(outcomes.map(outcome => outcome.status), ['fulfilled', 'rejected', 'fulfilled'])
    assert.deepEqual(metadata.image.topicNamed('y')!.partitions.map(partition => partition.dataStreamId), [5, 7])
    await metadata.close()
  })

  it('a lost answer is decided by reading back: nothing is applied twice', async () => {
    const metadata = await open(new MemoryMetadataMedium(), 'a', { loseAnswers: 3 })
    const epochs = []
    for (let round = 0; round < 6; round++) epochs.push(await metadata.propose(register(1)))
    assert.deepEqual(epochs, [1, 2, 3, 4, 5, 6])
    assert.equal(metadata.image.node(1)!.epoch, 6)
    await metadata.close()
  })

  it('tells that it has failed when its log must be opened again, whether or not anybody proposes', async () => {
    for (const proposes of [true, false]) {
      const log = new MemoryMetadataLog(new MemoryMetadataMedium())
      const metadata = await Metadata.open({ log, environment: testEnvironment(), snapshotEveryEntries: 100 })
      await log.close()
      if (proposes) await assert.rejects(metadata.propose(createTopic('a')), error => StreambedError.is(error, 'CLOSED'))
      assert.ok(StreambedError.is(await metadata.failed, 'CLOSED'))
      await metadata.close()
    }
  })

  it('a lost answer is decided by reading back, though the log does not answer at once', async () => {
    const clock = new VirtualClock()
    let failingReads = 0
    const log = faultyMetadataLog(new MemoryMetadataLog(new MemoryMetadataMedium()), {
      clock,
      plan: ({ method }) => {
        if (method === 'append') failingReads = 2
        if (method === 'append') return { kind: 'failAfter' }
        return method === 'read' && failingReads-- > 0 ? { kind: 'failBefore' } : { kind: 'none' }
      }
    })
    const metadata = await Metadata.open({ log, environment: testEnvironment({ clock }), snapshotEveryEntries: 100 })
    const proposed = metadata.propose(createTopic('a'))
    await clock.run(5_000)
    await proposed
    assert.ok(metadata.image.topicNamed('a') !== undefined)
    assert.equal(metadata.end, 1)
    await metadata.close()
  })

  it('opens from a snapshot and the entries after it, to the same state', async () => {
    const medium = new MemoryMetadataMedium()
    const first = await open(medium, 'a', { snapshotEveryEntries: 5 })
    for (let index = 0; index < 23; index++) await first.propose(createTopic(`t${index}`))
    await first.close()
    const second = await open(medium, 'b')
    assert.deepEqual(tablesOf(second.image), tablesOf(first.image))
    assert.equal(second.end, 23)
    await second.close()
  })

  it('a snapshot of a newer version, and one cut short, are refused by name', async () => {
    const bytes = await encodeSnapshot(new ClusterImage(), testEnvironment())
    const newer = Buffer.from(Buffer.from(bytes).toString().replace('"version":1', '"version":2'))
    assert.throws(() => decodeSnapshot(newer), error => StreambedError.is(error, 'UNSUPPORTED') && error.message.includes('version=2'))
    assert.throws(() => decodeSnapshot(bytes.subarray(0, bytes.length - 1)), error => StreambedError.is(error, 'CORRUPT'))
  })

  it('a record type that it does not know stops the node', async () => {
    const medium = new MemoryMetadataMedium()
    await new MemoryMetadataLog(medium).append(0, [Buffer.from(JSON.stringify({ version: 1, proposer: 'x', sequence: 0, records: [{ type: 'fromTheFuture' }] }))])
    await assert.rejects(open(medium, 'a'), error => StreambedError.is(error, 'UNSUPPORTED') && error.message.includes('fromTheFuture'))
  })
})

describe('cluster image', () => {
  const commit = (objectId: number, startOffset: number, endOffset: number, nodeEpoch = 1): MetadataRecord => ({
    type: 'objectsCommitted',
    nodeId: 1,
    nodeEpoch,
    atMs: 0,
    objects: [{ objectId, store: 's', size: 1, ranges: [{ streamId: 1, startOffset, endOffset, bytes: 1, largestTimestamp: -1 }] }]
  })
  const reserve = (first: number, nodeEpoch = 1): MetadataRecord => ({ type: 'objectIdsReserved', nodeId: 1, nodeEpoch, first, count: 1 })

  function imageWith (...records: readonly MetadataRecord[]): ClusterImage {
    const image = new ClusterImage()
    image.apply({ type: 'nodeRegistered', nodeId: 1, epoch: 1, endpoints: [], rack: null })
    image.apply({ type: 'topicCreated', topicId: 'id', name: 't', partitionCount: 1, ownerNodeId: 1, firstStreamId: 1, configs: {} })
    for (const record of records) image.apply(record)
    return image
  }

  const refusals: { readonly name: string, readonly before: readonly MetadataRecord[], readonly record: MetadataRecord, readonly code: 'FENCED' | 'CONFLICT' }[] = [
    { name: 'a commit that leaves a hole', before: [reserve(1)], record: commit(1, 5, 6), code: 'CONFLICT' },
    { name: 'a commit that repeats offsets', before: [reserve(1), reserve(2), commit(1, 0, 5)], record: commit(2, 4, 6), code: 'CONFLICT' },
    { name: 'a commit under an id that was not reserved', before: [], record: commit(1, 0, 5), code: 'CONFLICT' },
    { name: 'a commit under an id that is committed', before: [reserve(1), commit(1, 0, 5)], record: commit(1, 5, 6), code: 'CONFLICT' },
    { name: 'a commit by a fenced epoch', before: [reserve(1), { type: 'nodeRegistered', nodeId: 1, epoch: 2, endpoints: [], rack: null }], record: commit(1, 0, 5), code: 'FENCED' },
    { name: 'a reservation by a fenced epoch', before: [{ type: 'nodeRegistered', nodeId: 1, epoch: 2, endpoints: [], rack: null }], record: reserve(1), code: 'FENCED' }
  ]
  for (const { before, code, name, record } of refusals) {
    it(`refuses ${name}, unchanged`, () => {
      const image = imageWith(...before)
      const unchanged = tablesOf(image)
      assert.throws(() => image.apply(record), error => StreambedError.is(error, code))
      assert.deepEqual(tablesOf(image), unchanged)
    })
  }

  it('drops the pieces of streams that were deleted while an object was on its way', () => {
    const image = imageWith(reserve(1), { type: 'topicDeleted', topicId: 'id', atMs: 3 }, commit(1, 0, 5))
    assert.deepEqual([...image.tables.condemned.values()].map(object => object.objectId), [1])
  })
})

function tablesOf (image: ClusterImage): unknown {
  return Object.fromEntries(Object.entries(image.tables).map(([name, table]) => [name, new Map((table as Map<unknown, unknown>).entries())]))
}
