import { StreambedError } from '@streambed/sdk'
import { SeededRandom } from '@streambed/sdk/testing'
import { identityKey } from '../../src/main/object-stores.ts'
import { keySlices, objectKey } from '../../src/storage/object/object-key.ts'
import { SimulatedAdmin } from './admin.ts'
import { SimulatedAging } from './aging.ts'
import { PartitionHistory, Violation } from './checker.ts'
import { SimulatedCommitter } from './committer.ts'
import { SimulatedReader, runConsumer } from './consumer.ts'
import { GroupHistory, SimulatedMember } from './group-member.ts'
import { SimulatedProducer, type Target } from './producer.ts'
import { loseWalAndGoOn } from './loss.ts'
import { profileOf, type Profile } from './profile.ts'
import type { Event } from './reached.ts'
import { World, type Sabotage } from './world.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly keepsTrace?: boolean
  readonly sabotage?: Sabotage
  /** How long after the faults all clients may take to finish; two minutes when left out. */
  readonly calmMsMax?: number
  /** Changes what the seed has chosen. */
  readonly profile?: Partial<Profile>
}

export interface SimulationResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly digest: string
  readonly trace: readonly string[]
  readonly stats: { readonly virtualMs: number, readonly crashes: number, readonly opens: number, readonly acknowledged: number, readonly fileOperations: number, readonly rewrites: number }
  readonly reached: ReadonlyMap<Event, number>
}

/** A store that takes its time over many small objects needs about 120 s. */
const calmMsMaxDefault = 300_000

/** One run: everything in it follows from the seed. Never rejects for a violation. */
export async function simulate (options: SimulationOptions): Promise<SimulationResult> {
  const random = new SeededRandom(options.seed)
  const profile = { ...profileOf(random.fork('profile')), ...options.profile }
  const world = new World({ random, profile, keepsTrace: options.keepsTrace === true, ...options.sabotage === undefined ? {} : { sabotage: options.sabotage } })
  const targets = Array.from({ length: profile.partitions }, (_, partition): Target => ({ topic: 'main', partition, history: new PartitionHistory(`main-${partition}`) }))
  let violation: Violation | undefined
  const onUnhandled = (error: unknown): void => { violation ??= new Violation('unhandled-rejection', error instanceof Error ? error.stack ?? error.message : String(error)) }
  process.on('unhandledRejection', onUnhandled)
  try {
    await drive(world, story(world, targets), options.calmMsMax ?? calmMsMaxDefault, () => violation)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation ??= error
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
  const acknowledged = targets.reduce((sum, { history }) => sum + history.acknowledgedCount, 0)
  return { seed: options.seed, violation, digest: world.trace.digest, trace: world.trace.lines, stats: { virtualMs: world.clock.monotonicMs(), crashes: world.crashCount, opens: world.openCount, acknowledged, fileOperations: world.fileSystem.operationCount, rewrites: world.reached.counts.get('a group log is written anew') ?? 0 }, reached: world.reached.counts }
}

/** Moves the clock from timer to timer; between two, all runs that waits for promises alone, so nothing depends on the machine. */
async function drive (world: World, story: Promise<void>, calmMsMax: number, violation: () => Violation | undefined): Promise<void> {
  let isOver = false
  const over = story.finally(() => { isOver = true })
  over.catch(() => undefined)
  for (;;) {
    await new Promise<void>(resolve => { setImmediate(resolve) })
    if (isOver) return await over
    const found = violation()
    if (found !== undefined) throw found
    if (world.clock.monotonicMs() > world.profile.chaosMs + calmMsMax || !world.clock.advanceToNext()) throw new Violation('stuck', `nobody gets further at ${world.clock.monotonicMs()} ms`)
  }
}

async function story (world: World, targets: readonly Target[]): Promise<void> {
  const running = Promise.race([world.keepRunning(), world.violated.promise])
  await Promise.race([running, play(world, targets)])
  await running
}

/** The clients' lives: first with faults, then without, until all is done; then everything is read and held against the histories. */
async function play (world: World, targets: readonly Target[]): Promise<void> {
  const { profile } = world
  void world.sleep(profile.chaosMs).then(() => world.calmDown())
  const admin = new SimulatedAdmin(world, 'admin')
  await admin.create('main', profile.partitions)
  const partitionOf = (index: number): Target => targets[index % targets.length]!
  const group = new GroupHistory(targets)
  const producers = [
    ...Array.from({ length: profile.idempotentProducers }, (_, index) => ({ name: `i${index}`, target: partitionOf(index), isIdempotent: true })),
    ...Array.from({ length: profile.plainProducers }, (_, index) => ({ name: `p${index}`, target: partitionOf(index + 1), isIdempotent: false })),
    ...Array.from({ length: profile.lives.cautiousProducers }, (_, index) => ({ name: `q${index}`, target: partitionOf(index), isIdempotent: false, isCautious: true }))
  ].map(options => ({ target: options.target, producer: new SimulatedProducer(world, { ...options, batchesMax: Infinity }) }))
  const producersOf = (target: Target): SimulatedProducer[] => producers.filter(one => one.target === target).map(({ producer }) => producer)
  const churning = new SimulatedAdmin(world, 'churn')
  const committers = Array.from({ length: profile.committers }, (_, index) => new SimulatedCommitter(world, `k${index}`))
  const aging = profile.lives.hasAging ? new SimulatedAging(world) : undefined
  await Promise.all([
    ...aging === undefined ? [] : [aging.run()],
    ...producers.map(({ producer }) => producer.run()),
    ...Array.from({ length: profile.consumers }, (_, index) => runConsumer(world, `c${index}`, targets)),
    ...Array.from({ length: profile.groupMembers }, (_, index) => new SimulatedMember(world, `g${index}`, targets, group).run()),
    ...committers.map(committer => committer.run()),
    ...profile.hasTopicChurn ? [churning.churn('e')] : [],
    ...profile.hasDeletions ? [admin.deleteRecords(targets, producersOf)] : []
  ])
  await world.untilAlone()
  const verify = async (): Promise<void> => {
    await admin.verifyTopics('main')
    await churning.verifyTopics('e')
    const reader = new SimulatedReader(world, 'verifier')
    for (const target of targets) {
      const { recordIds, startOffset } = await reader.readAll(target)
      target.history.whole(startOffset, recordIds)
    }
    for (const committer of committers) await committer.verify()
    await verifyGroupLogs(world)
    if (profile.groupMembers > 0) await new SimulatedMember(world, 'verifier', targets, group).verifyCommits()
  }
  await verify()
  world.crash('crash')
  await verify()
  await world.restart()
  await verify()
  await noteCheckpoints(world)
  if (profile.lives.losesWal) await loseWalAndGoOn(world, targets)
  await admin.delete('main')
  await aging?.deleteTopic()
  for (const name of ['e0', 'e1']) await churning.delete(name)
  for (const committer of committers) await committer.deleteTopic()
  await verifyBucket(world)
  world.end()
}

async function noteCheckpoints (world: World): Promise<void> {
  const { engine, metadata } = await world.untilReady()
  const streams = [...metadata.image.topics()].flatMap(topic => topic.partitions.map(partition => partition.checkpointStreamId))
  world.reached.note('a checkpoint is written', streams.reduce((sum, streamId) => sum + engine.stream(streamId).confirmedOffset, 0))
}

/** What the coordinator holds must be what its logs say. A broker that is about to be opened again has nothing to say. */
async function verifyGroupLogs (world: World): Promise<void> {
  const { broker } = await world.untilReady()
  const checked = broker.services.groups.check().catch((error: unknown) => {
    if (StreambedError.is(error, 'INTERNAL')) throw new Violation('state-diverged', error.message)
  })
  await Promise.race([checked, world.sleep(5_000)])
}

/** All topics are deleted: what the bucket still holds must be the group coordinator's, and the store's mark. */
async function verifyBucket (world: World): Promise<void> {
  // The first look may meet an object that is put and not committed yet; the second must not meet it again.
  const first = await unneededObjects(world)
  const leaked = first.length === 0 ? [] : (await unneededObjects(world)).filter(key => first.includes(key))
  if (leaked.length > 0) throw new Violation('leak', `nobody needs objects that are in the bucket. objects=${leaked.join(' ')}`)
}

async function unneededObjects (world: World): Promise<readonly string[]> {
  const { engine, metadata } = await world.untilReady()
  await engine.flush()
  await world.sleep(world.profile.storage.deletionGraceMs + 1)
  await engine.collectGarbage()
  const needed = new Set(Array.from(metadata.image.tables.objects.entries(), ([objectId]) => objectKey(objectId)))
  if (world.profile.groupMembers + world.profile.committers === 0 && needed.size > 0) throw new Violation('leak', `objects are kept for topics that are deleted. objects=${[...needed].join(' ')}`)
  const unneeded = async (): Promise<readonly string[]> => (await world.objectKeys()).filter(key => key !== identityKey && !needed.has(key))
  if ((await unneeded()).length === 0) return []
  // What arrived late is found a page at a time, and from wherever the slow search is now: it comes past everything within two rounds.
  for (let page = 0; page < 2 * keySlices; page++) await engine.sweepObjects()
  return await unneeded()
}
