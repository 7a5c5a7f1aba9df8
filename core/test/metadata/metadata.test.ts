import assert from 'node:assert/strict'
import { StreambedError } from '@streambed/sdk'
import { MemoryMetadataLog, MemoryMetadataMedium, SeededRandom, VirtualClock, faultOn, faultyMetadataLog, testEnvironment } from '@streambed/sdk/testing'
import { ClusterImage } from '../../src/metadata/image.ts'
import { Metadata, type Change } from '../../src/metadata/metadata.ts'
import { encodeEntry, type MetadataRecord } from '../../src/metadata/records.ts'
import { decodeSnapshot, encodeSnapshot } from '../../src/metadata/snapshot.ts'

function open (medium: MemoryMetadataMedium, seed: string, options: { readonly loseAnswers?: number, readonly snapshotEveryEntries?: number } = {}): Promise<Metadata> {
  const environment = testEnvironment({ random: new SeededRandom(seed) })
  const log = new MemoryMetadataLog(medium)
  const faulty = options.loseAnswers === undefined ? log : faultyMetadataLog(log, { clock: environment.clock, plan: faultOn('append', { kind: 'failAfter' }, options.loseAnswers) })
  return Metadata.open({ log: faulty, environment, snapshotEveryEntries: options.snapshotEveryEntries ?? 1_000 })
}

const register = (nodeId: number, incarnation = 'process'): Change<number> => (_, position) => ({ records: [{ type: 'nodeEpochTaken', nodeId, incarnation }], result: position })

const createTopic = (name: string): Change<string> => image => ({
  records: [{ type: 'topicCreated', topicId: `id-${name}`, name, partitionCount: 2, ownerNodeId: 1, firstStreamId: image.nextStreamId, configs: {} }],
  result: `id-${name}`
})

describe('metadata', () => {
  it('mints node epochs from the log, each its own position, however many race', async () => {
    const medium = new MemoryMetadataMedium()
    const nodes = await Promise.all(['a', 'b', 'c'].map(seed => open(medium, seed)))
    const epochs = await Promise.all(nodes.flatMap(node => Array.from({ length: 20 }, () => node.propose(register(1)))))
    assert.deepEqual(epochs.sort((left, right) => left - right), Array.from({ length: 60 }, (_, at) => at))
    for (const node of nodes) await node.close()
  })

  it('a process that was overtaken carries out nothing more, also where its own copy of the state lags', async () => {
    const medium = new MemoryMetadataMedium()
    const [first, second] = [await open(medium, 'a'), await open(medium, 'b')]
    const epoch = await first.propose(register(1, 'first'))
    first.proposeOnlyWhile(image => { if (image.node(1)?.epoch !== epoch) throw new StreambedError('FENCED', 'overtaken') })
    await first.propose(createTopic('before'))
    await second.propose(register(1, 'second'))
    const end = second.end
    await assert.rejects(first.propose(createTopic('after')), error => StreambedError.is(error, 'FENCED'))
    await second.refresh()
    assert.equal(second.end, end)
    await first.close()
    await second.close()
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
    assert.deepEqual(epochs, [0, 1, 2, 3, 4, 5])
    assert.equal(metadata.image.node(1)!.epoch, 5)
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

  for (const { badAnswers, isFinal } of [{ badAnswers: 2, isFinal: false }, { badAnswers: 3, isFinal: true }]) {
    it(`a log that says it is damaged ${badAnswers} times ${isFinal ? 'is' : 'is not'} damaged`, async () => {
      const clock = new VirtualClock()
      const medium = new MemoryMetadataMedium()
      const other = await open(medium, 'other')
      let left = 0
      const log = faultyMetadataLog(new MemoryMetadataLog(medium), {
        clock, plan: ({ method }) => method === 'read' && left-- > 0 ? { kind: 'failBefore', code: 'CORRUPT' } : { kind: 'none' }
      })
      const metadata = await Metadata.open({ log, environment: testEnvironment({ clock }), snapshotEveryEntries: 100 })
      left = badAnswers
      await other.propose(createTopic('a'))
      await clock.run(5_000)
      assert.equal(metadata.image.topicNamed('a') !== undefined, !isFinal)
      const failure = await Promise.race([metadata.failed, Promise.resolve('goes on')])
      assert.equal(StreambedError.is(failure, 'CORRUPT'), isFinal)
      await metadata.close()
      await other.close()
    })
  }

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

  it('a lost answer is looked for until it is found, and never told as failed while the entry may be there', async () => {
    const clock = new VirtualClock()
    let isReadable = false
    const log = faultyMetadataLog(new MemoryMetadataLog(new MemoryMetadataMedium()), {
      clock,
      plan: ({ method }) => method === 'append' ? { kind: 'failAfter' } : method === 'read' && !isReadable ? { kind: 'failBefore' } : { kind: 'none' }
    })
    isReadable = true
    const metadata = await Metadata.open({ log, environment: testEnvironment({ clock }), snapshotEveryEntries: 100 })
    isReadable = false
    let outcome = 'none'
    const proposed = metadata.propose(createTopic('a')).then(() => { outcome = 'done' }, () => { outcome = 'failed' })
    await clock.run(10 * 60_000)
    assert.equal(outcome, 'none', 'for ten minutes nobody can say')
    isReadable = true
    await clock.run(5_000)
    await proposed
    assert.equal(outcome, 'done')
    await metadata.close()
  })

  it('what is in doubt when it closes is told as in doubt', async () => {
    const clock = new VirtualClock()
    let isOpen = false
    const log = faultyMetadataLog(new MemoryMetadataLog(new MemoryMetadataMedium()), {
      clock,
      plan: ({ method }) => method === 'append' ? { kind: 'failAfter' } : method === 'read' && isOpen ? { kind: 'failBefore' } : { kind: 'none' }
    })
    const metadata = await Metadata.open({ log, environment: testEnvironment({ clock }), snapshotEveryEntries: 100 })
    isOpen = true
    const proposed = assert.rejects(metadata.propose(createTopic('a')), error => StreambedError.is(error, 'OUTCOME_UNKNOWN'))
    await clock.run(60_000)
    await metadata.close()
    await proposed
  })

  it('an entry that contradicts those before it ends the node, and nothing of it is applied', async () => {
    const medium = new MemoryMetadataMedium()
    const metadata = await open(medium, 'a')
    await metadata.propose(createTopic('t'))
    const before = tablesOf(metadata.image)
    const records: MetadataRecord[] = [{ type: 'clusterFounded', clusterId: 'half' }, { type: 'topicDeleted', topicId: 'of no topic', atMs: 0 }]
    await new MemoryMetadataLog(medium).append(1, [encodeEntry({ proposer: 'x', sequence: 0, records })])
    const failure = await metadata.failed
    assert.ok(StreambedError.is(failure, 'CORRUPT') && failure.message.includes('position=1'), String(failure))
    assert.deepEqual(tablesOf(metadata.image), before)
    await assert.rejects(metadata.propose(createTopic('u')), error => StreambedError.is(error, 'CORRUPT'))
    await metadata.close()
    await assert.rejects(open(medium, 'b'), error => StreambedError.is(error, 'CORRUPT'))
  })

  it('who catches up by a snapshot tells its listeners', async () => {
    const medium = new MemoryMetadataMedium()
    const log = new MemoryMetadataLog(medium)
    const clock = new VirtualClock()
    const follower = await Metadata.open({ log: faultyMetadataLog(log, { clock, plan: () => ({ kind: 'none' }) }), environment: testEnvironment({ clock }), snapshotEveryEntries: 1_000 })
    let told = 0
    follower.onChange(() => { told++ })
    const image = new ClusterImage()
    image.apply({ type: 'clusterFounded', clusterId: 'c' }, 0)
    const snapshot = await encodeSnapshot(image, testEnvironment())
    // Nothing follows the snapshot: the follower learns from it alone.
    await log.append(0, [encodeEntry({ proposer: 'x', sequence: 0, records: [{ type: 'clusterFounded', clusterId: 'c' }] })])
    await log.writeSnapshot(1, snapshot)
    await log.truncateBefore(1)
    await follower.refresh()
    assert.equal(follower.image.clusterId, 'c')
    assert.ok(told > 0)
    await follower.close()
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
    const newer = Buffer.from(Buffer.from(bytes).toString().replace('"version":2', '"version":3'))
    assert.throws(() => decodeSnapshot(newer), error => StreambedError.is(error, 'UNSUPPORTED') && error.message.includes('version=3'))
    assert.throws(() => decodeSnapshot(bytes.subarray(0, bytes.length - 1)), error => StreambedError.is(error, 'CORRUPT'))
  })

  it('a record type that it does not know stops the node', async () => {
    const medium = new MemoryMetadataMedium()
    await new MemoryMetadataLog(medium).append(0, [Buffer.from(JSON.stringify({ version: 1, proposer: 'x', sequence: 0, records: [{ type: 'fromTheFuture' }] }))])
    await assert.rejects(open(medium, 'a'), error => StreambedError.is(error, 'UNSUPPORTED') && error.message.includes('fromTheFuture'))
  })
})

describe('cluster image', () => {
  const ranges = (startOffset: number, endOffset: number, streamEpoch?: number) => [{ streamId: 1, startOffset, endOffset, bytes: 1, largestTimestamp: -1, ...streamEpoch === undefined ? {} : { streamEpoch } }]
  const commit = (objectId: number, startOffset: number, endOffset: number, nodeEpoch = 1): MetadataRecord => ({
    type: 'segmentCommitted', nodeId: 1, nodeEpoch, atMs: 0, walPosition: 7, objects: [{ objectId, store: 's', size: 1, ranges: ranges(startOffset, endOffset, 0) }]
  })
  const oldCommit = (objectId: number, startOffset: number, endOffset: number): MetadataRecord => ({
    type: 'objectsCommitted', nodeId: 1, nodeEpoch: 1, atMs: 0, objects: [{ objectId, store: 's', size: 1, ranges: ranges(startOffset, endOffset) }]
  })
  const reserve = (first: number, nodeEpoch = 1): MetadataRecord => ({ type: 'objectIdsReserved', nodeId: 1, nodeEpoch, first, count: 1 })
  const take: MetadataRecord = { type: 'nodeEpochTaken', nodeId: 1, incarnation: 'p' }
  const owned: MetadataRecord = { type: 'topicCreated', topicId: 'id', name: 't', partitionCount: 1, ownerNodeId: 1, firstStreamId: 1, configs: {} }
  const wal = { plugin: 'p', options: {}, id: 'w' }

  /** The first record at position 0, and so on. Node 1 has epoch 1 and owns stream 1. */
  function imageWith (...records: readonly MetadataRecord[]): { readonly image: ClusterImage, readonly end: number } {
    const image = new ClusterImage()
    const all = [{ type: 'clusterFounded', clusterId: 'c' } as const, take, owned, ...records]
    for (const [position, record] of all.entries()) image.apply(record, position)
    return { image, end: all.length }
  }

  const refusals: { readonly name: string, readonly before: readonly MetadataRecord[], readonly record: MetadataRecord, readonly code: 'FENCED' | 'CONFLICT' | 'NOT_FOUND' }[] = [
    { name: 'a commit that leaves a hole', before: [reserve(1)], record: commit(1, 5, 6), code: 'CONFLICT' },
    { name: 'a commit that repeats offsets', before: [reserve(1), reserve(2), commit(1, 0, 5)], record: commit(2, 4, 6), code: 'CONFLICT' },
    { name: 'a commit under an id that was not reserved', before: [], record: commit(1, 0, 5), code: 'CONFLICT' },
    { name: 'a commit under an id that is committed', before: [reserve(1), commit(1, 0, 5)], record: commit(1, 5, 6), code: 'CONFLICT' },
    { name: 'a commit by a fenced epoch', before: [reserve(1), take], record: commit(1, 0, 5), code: 'FENCED' },
    { name: 'a reservation by a fenced epoch', before: [take], record: reserve(1), code: 'FENCED' },
    { name: 'a commit of an earlier release that leaves a hole', before: [reserve(1)], record: oldCommit(1, 5, 6), code: 'CONFLICT' },
    { name: 'an opening by a fenced epoch', before: [take], record: { type: 'nodeOpened', nodeId: 1, epoch: 1, endpoints: [], rack: null, walPosition: -1 }, code: 'FENCED' },
    { name: 'a WAL of a fenced epoch', before: [take], record: { type: 'nodeWalOpened', nodeId: 1, epoch: 1, wal, walPosition: -1 }, code: 'FENCED' },
    { name: 'the end of a fenced epoch', before: [take], record: { type: 'nodeStopped', nodeId: 1, epoch: 1, walPosition: 9 }, code: 'FENCED' },
    { name: 'the removal of a node that owns partitions', before: [], record: { type: 'nodeRemoved', nodeId: 1 }, code: 'CONFLICT' },
    { name: 'the removal of a node that is not there', before: [], record: { type: 'nodeRemoved', nodeId: 9 }, code: 'NOT_FOUND' },
    { name: 'the abandonment of an object that is needed', before: [reserve(1), commit(1, 0, 5)], record: { type: 'objectsAbandoned', objectIds: [1], atMs: 0 }, code: 'CONFLICT' },
    { name: 'ids that fall', before: [], record: { type: 'idsSkipped', nextStreamId: 1, nextObjectId: 9, nextProducerId: 9 }, code: 'CONFLICT' }
  ]
  for (const { before, code, name, record } of refusals) {
    it(`refuses ${name}, unchanged`, () => {
      const { end, image } = imageWith(...before)
      const unchanged = tablesOf(image)
      assert.throws(() => image.apply(record, end), error => StreambedError.is(error, code))
      assert.deepEqual(tablesOf(image), unchanged)
    })
  }

  for (const { name, record } of [{ name: 'now', record: commit(1, 0, 5) }, { name: 'in an earlier release', record: oldCommit(1, 0, 5) }]) {
    it(`drops the pieces of streams that were deleted while an object was on its way, ${name}`, () => {
      const { image } = imageWith(reserve(1), { type: 'topicDeleted', topicId: 'id', atMs: 3 }, record)
      assert.deepEqual([...image.tables.condemned.values()].map(object => object.objectId), [1])
    })
  }

  it('drops the pieces of another epoch of their stream, and keeps the others of the commit', () => {
    const { end, image } = imageWith(reserve(1))
    const both: MetadataRecord = { ...commit(1, 0, 5) as MetadataRecord & { type: 'segmentCommitted' }, objects: [{ objectId: 1, store: 's', size: 1, ranges: [{ ...ranges(0, 5, 9)[0]!, streamId: 2 }, ...ranges(0, 5, 0)] }] }
    image.apply(both, end)
    assert.deepEqual([image.stream(1)!.endOffset, image.stream(2)!.endOffset, image.tables.objects.get(1)!.rangeCount], [5, 0, 1])
  })

  // Streams 1 and 2; objects 1 and 2 hold both, and 4 what comes after.
  const piece = (streamId: number, startOffset: number, endOffset: number) => ({ streamId, streamEpoch: 0, startOffset, endOffset, bytes: 10, largestTimestamp: -1 })
  const segment = (objectId: number, ...pieces: readonly ReturnType<typeof piece>[]): MetadataRecord => ({
    type: 'segmentCommitted', nodeId: 1, nodeEpoch: 1, atMs: 5, walPosition: 7, objects: [{ objectId, store: 's', size: 100, ranges: pieces }]
  })
  const held = [1, 2, 3, 4].map(objectId => reserve(objectId)).concat(segment(1, piece(1, 0, 5), piece(2, 0, 3)), segment(2, piece(1, 5, 9), piece(2, 3, 4)), segment(4, piece(1, 9, 12)))
  const replaced = (inputs: readonly number[], pieces: readonly ReturnType<typeof piece>[], objectId = 3, nodeEpoch = 1): MetadataRecord => ({
    type: 'objectsReplaced', nodeId: 1, nodeEpoch, inputs, object: { objectId, store: 's', size: 50, ranges: pieces }, atMs: 9
  })
  const whole = [piece(1, 0, 5), piece(1, 5, 9), piece(2, 0, 3), piece(2, 3, 4)]
  const trim = (streamId: number, startOffset: number): MetadataRecord => ({ type: 'streamTrimmed', streamId, startOffset, atMs: 6 })
  const deleted: MetadataRecord = { type: 'topicDeleted', topicId: 'id', atMs: 6 }

  const replacements: { readonly name: string, readonly since?: readonly MetadataRecord[], readonly record: MetadataRecord, readonly is: 'FENCED' | 'CONFLICT' | { readonly one: readonly string[], readonly two: readonly string[], readonly live: readonly number[] } }[] = [
    { name: 'of all that they hold', record: replaced([1, 2], whole), is: { one: ['3:0-5', '3:5-9', '4:9-12'], two: ['3:0-3', '3:3-4'], live: [3, 4] } },
    { name: 'of one of them', record: replaced([2], [piece(1, 5, 9), piece(2, 3, 4)]), is: { one: ['1:0-5', '3:5-9', '4:9-12'], two: ['1:0-3', '3:3-4'], live: [1, 3, 4] } },
    { name: 'of which a piece was trimmed away since', since: [trim(1, 5)], record: replaced([1, 2], whole), is: { one: ['3:5-9', '4:9-12'], two: ['3:0-3', '3:3-4'], live: [3, 4] } },
    { name: 'of which a part was trimmed before', since: [trim(1, 3)], record: replaced([1, 2], [piece(1, 2, 5), ...whole.slice(1)]), is: { one: ['3:2-5', '3:5-9', '4:9-12'], two: ['3:0-3', '3:3-4'], live: [3, 4] } },
    { name: 'of which a stream was trimmed away, and its pieces are not in it', since: [trim(2, 4)], record: replaced([1, 2], whole.slice(0, 2)), is: { one: ['3:0-5', '3:5-9', '4:9-12'], two: [], live: [3, 4] } },
    { name: 'one of which is needed no more', since: [trim(1, 5), trim(2, 3)], record: replaced([1, 2], whole), is: 'CONFLICT' },
    { name: 'whose topic was deleted since', since: [deleted], record: replaced([1, 2], whole), is: 'CONFLICT' },
    { name: 'of which it lacks a piece', record: replaced([1, 2], whole.slice(1)), is: 'CONFLICT' },
    { name: 'of which it lacks the end of a piece', record: replaced([1, 2], [piece(1, 0, 4), ...whole.slice(1)]), is: 'CONFLICT' },
    { name: 'of which it lacks the live begin of a piece', since: [trim(1, 1)], record: replaced([1, 2], [piece(1, 2, 5), ...whole.slice(1)]), is: 'CONFLICT' },
    { name: 'of another epoch of a stream', record: replaced([1, 2], whole.map(each => ({ ...each, streamEpoch: each.streamId - 1 }))), is: 'CONFLICT' },
    { name: 'under an id that is committed', record: replaced([1, 2], whole, 4), is: 'CONFLICT' },
    { name: 'under an id that was not reserved', record: replaced([1, 2], whole, 9), is: 'CONFLICT' },
    { name: 'one of which never was', record: replaced([1, 8], whole), is: 'CONFLICT' },
    { name: 'a second time', since: [replaced([1, 2], whole)], record: replaced([1, 2], whole), is: 'CONFLICT' },
    { name: 'by a fenced epoch', since: [take], record: replaced([1, 2], whole), is: 'FENCED' }
  ]
  for (const { is, name, record, since = [] } of replacements) {
    it(`an object in the place of others, ${name}: ${typeof is === 'string' ? `${is}, unchanged` : 'takes it, and they are condemned'}`, () => {
      const { end, image } = imageWith(...held, ...since)
      const before = tablesOf(image)
      if (typeof is === 'string') {
        assert.throws(() => image.apply(record, end), error => StreambedError.is(error, is))
        assert.deepEqual(tablesOf(image), before)
        return
      }
      image.apply(record, end)
      const rangesOf = (streamId: number): string[] => image.ranges(streamId).map(({ endOffset, objectId, startOffset }) => `${objectId}:${startOffset}-${endOffset}`)
      assert.deepEqual([rangesOf(1), rangesOf(2), [...image.tables.objects.values()].map(({ objectId }) => objectId).toSorted((left, right) => left - right)], [is.one, is.two, is.live])
      const { inputs } = record as MetadataRecord & { type: 'objectsReplaced' }
      assert.deepEqual([...image.tables.condemned.values()].map(({ objectId, sinceMs }) => [objectId, sinceMs]), inputs.map(objectId => [objectId, 9]))
      assert.deepEqual([...image.tables.reservations.values()], [])
      // Each live object counts as many pieces as streams have of it: else one would be condemned too early, or never.
      for (const object of image.tables.objects.values()) {
        assert.equal(object.rangeCount, [1, 2].flatMap(streamId => image.ranges(streamId)).filter(({ objectId }) => objectId === object.objectId).length)
      }
    })
  }

  it('an epoch is the position of its entry: it rises over counts of earlier releases, and over a removal', () => {
    const image = new ClusterImage()
    const registered = (epoch: number): MetadataRecord => ({ type: 'nodeRegistered', nodeId: 7, epoch, endpoints: [], rack: null })
    const epochs: number[] = []
    for (const [position, record] of [{ type: 'clusterFounded', clusterId: 'c' } as const, registered(1), registered(2), { ...take, nodeId: 7 }, { type: 'nodeRemoved', nodeId: 7 } as const, { ...take, nodeId: 7 }].entries()) {
      image.apply(record, position)
      epochs.push(image.node(7)?.epoch ?? -1)
    }
    assert.deepEqual(epochs, [-1, 1, 2, 3, -1, 5])
  })

  it('remembers how far the log reached when the node first came back, until it has opened', () => {
    const opened: MetadataRecord = { type: 'nodeOpened', nodeId: 1, epoch: 4, endpoints: [], rack: null, walPosition: 3 }
    const { end, image } = imageWith(take, take)
    assert.equal(image.node(1)!.triedAt, 1, 'three refused starts do not hide that it reached to 1')
    image.apply(opened, end)
    assert.deepEqual([image.node(1)!.triedAt, image.node(1)!.walPosition], [null, 3])
    image.apply(take, end + 1)
    assert.equal(image.node(1)!.triedAt, end + 1)
  })

  it('how far a WAL reaches only rises, but for another WAL', () => {
    const { end, image } = imageWith({ type: 'nodeWalOpened', nodeId: 1, epoch: 1, wal, walPosition: 5 }, reserve(1), commit(1, 0, 5), { type: 'nodeStopped', nodeId: 1, epoch: 1, walPosition: 6 })
    assert.equal(image.node(1)!.walPosition, 7)
    image.apply({ type: 'nodeWalOpened', nodeId: 1, epoch: 1, wal: { ...wal, id: 'other' }, walPosition: -1 }, end)
    assert.equal(image.node(1)!.walPosition, -1)
  })

  it('ids that an earlier epoch left are abandoned, then forgotten; those of the newest are neither', () => {
    const { end, image } = imageWith(reserve(1), take, reserve(2, 3 + 1))
    const reserved = (): unknown => [...image.tables.reservations.values()].flatMap(({ objectIds }) => objectIds)
    image.apply({ type: 'objectsAbandoned', objectIds: [1], atMs: 5 }, end)
    assert.deepEqual([reserved(), [...image.tables.abandoned.values()].map(({ objectId }) => objectId)], [[2], [1]])
    image.apply({ type: 'objectsForgotten', objectIds: [1, 2] }, end + 1)
    assert.deepEqual([reserved(), [...image.tables.abandoned.values()].map(({ objectId }) => objectId)], [[2], []])
  })

  it('reads a snapshot of the version before', async () => {
    const { image } = imageWith()
    const text = Buffer.from(await encodeSnapshot(image, testEnvironment())).toString()
    const old = text.replace('"version":2', '"version":1').replace(/,"incarnation":"p"|"walPosition":null,|"triedAt":1,|,"triedAt":1/g, '')
    assert.ok(!old.includes('incarnation') && !old.includes('triedAt'), old)
    assert.deepEqual(decodeSnapshot(Buffer.from(old)).node(1), { ...image.node(1), incarnation: null, triedAt: null })
  })
})

function tablesOf (image: ClusterImage): unknown {
  return Object.fromEntries(Object.entries(image.tables).map(([name, table]) => [name, new Map((table as Map<unknown, unknown>).entries())]))
}
