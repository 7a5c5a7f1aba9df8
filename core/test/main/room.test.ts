import assert from 'node:assert/strict'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { encodeBatch } from '../../src/protocol/index.ts'
import { VirtualBroker, port } from './virtual-broker.ts'

const address = { host: '127.0.0.1', port }
const partitions = 6
const recordBytes = 4_000
const stepMs = 500
const retentionMs = 300_000
const hourMs = 3_600_000

/** Two hours as a cluster has them: records that expire, a group that commits all the time, deletions, topics that come and go. */
describe('the room in the object store', () => {
  it('is that of what is kept, within 1.3 times of it, for two hours; and none once all is deleted', async () => {
    const world = new VirtualBroker('regional-disk', {
      engine: { uploadBytes: 512 * 1024, streamObjectBytesMin: 256 * 1024, uploadIntervalMs: 10_000, deletionGraceMs: 2_000, garbageIntervalMs: 5_000 },
      kafka: { 'log.retention.check.interval.ms': '5000', 'offsets.topic.num.partitions': '2', 'group.initial.rebalance.delay.ms': '0' },
      // As small beside what is kept as 4 MiB are beside that of a broker.
      tuning: { snapshotEveryEntries: 1_000, checkpointBytes: 2 ** 20, groupLog: { bytesMin: 16 * 1024, rewriteFactor: 4, pieceRecords: 500, checksRewrites: false } }
    })
    world.start()
    const { engine, metadata } = await world.ready()
    const client = new KafkaClient(world.network, address)
    const connection = await world.until(KafkaConnection.open(world.network, address, 'admin'))
    const configs = { 'retention.ms': String(retentionMs) }
    await world.until(client.createTopic('t', { partitions, configs }))
    const objects = (): number[] => [...world.service.medium.objects].flatMap(([key, { bytes }]) => key.startsWith('objects/') ? [bytes.length] : [])
    const ratios: number[] = []
    const counts: number[] = []

    const produce = async (topic: string, partition: number): Promise<void> => {
      const batch = encodeBatch([{ value: Buffer.alloc(recordBytes, 'x') }], { timestamp: world.clock.wallMs() })
      await client.produce(address, { topic, partition }, batch)
    }
    const commit = async (offset: number): Promise<void> => {
      await connection.request(ApiKey.OffsetCommit, 8, {
        groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 't', partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, committedOffset: offset, committedMetadata: '' })) }]
      })
    }
    /** Payload of what clients can still read of the topics. */
    const keptBytes = (): number => [...metadata.image.topics()].filter(({ name }) => !name.startsWith('__')).flatMap(topic => topic.partitions).reduce((sum, { dataStreamId }) => {
      const { confirmedOffset, startOffset } = engine.stream(dataStreamId)
      return sum + (confirmedOffset - startOffset) * recordBytes
    }, 0)

    await world.until(connection.request(ApiKey.FindCoordinator, 3, { key: 'g', keyType: 0 }))
    await world.pass(1_000)
    for (let step = 0; step * stepMs < 2 * hourMs; step++) {
      const minute = step * stepMs / 60_000
      await world.until(Promise.all([produce('t', step % partitions), ...step % 2 === 0 ? [commit(step)] : []]))
      // Every ten minutes a topic is made and filled; it is deleted two minutes later.
      if (minute % 10 === 1) await world.until(client.createTopic('passing', { partitions: 1, configs }))
      if (minute % 10 >= 1 && minute % 10 < 3) await world.until(produce('passing', 0))
      if (minute % 10 === 3) await world.until(client.deleteTopic('passing'))
      if (minute % 10 === 7) {
        const before = engine.stream([...metadata.image.topics()].find(({ name }) => name === 't')!.partitions[0]!.dataStreamId).confirmedOffset
        await world.until(connection.request(ApiKey.DeleteRecords, 2, { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: before }] }], timeoutMs: 1_000 }))
      }
      await world.pass(stepMs)
      if (minute > 20 && minute % 5 === 0) {
        await world.until(engine.flush())
        ratios.push(objects().reduce((sum, bytes) => sum + bytes, 0) / keptBytes())
        counts.push(objects().length)
      }
    }
    const told = ratios.map(ratio => ratio.toFixed(2)).join(' ')
    assert.ok(ratios.length > 15 && Math.max(...ratios) <= 1.3, `stored/kept every five minutes: ${told}`)
    assert.ok(Math.max(...counts) <= 2 * Math.min(...counts), `objects every five minutes: ${counts.join(' ')}`)

    await world.until(client.deleteTopic('t'))
    await world.until(connection.request(ApiKey.DeleteGroups, 2, { groupsNames: ['g'] }))
    await world.until(engine.flush())
    await world.pass(120_000)
    // What is left: the offsets topic, whose log is short, and the mark of the store.
    assert.ok(objects().reduce((sum, bytes) => sum + bytes, 0) < 100_000, `${objects().join(' ')} bytes are left`)
    await world.until(Promise.resolve(client[Symbol.asyncDispose]()))
    world.stop.abort()
    assert.equal(await world.until(world.ended!), 'stopped')
  }).timeout(300_000)
})
