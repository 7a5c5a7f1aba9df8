import { SeededRandom } from '@streambed/sdk/testing'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { PartitionHistory, Violation } from './checker.ts'
import { SimulatedClient } from './client.ts'
import { SimulatedReader, runConsumer } from './consumer.ts'
import { SimulatedProducer, type Target } from './producer.ts'
import { profileOf, type Profile } from './profile.ts'
import { World, type Sabotage } from './world.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly keepsTrace?: boolean
  readonly sabotage?: Sabotage
  /** Changes what the seed has chosen. */
  readonly profile?: Partial<Profile>
}

export interface SimulationResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly digest: string
  readonly trace: readonly string[]
  readonly stats: { readonly virtualMs: number, readonly crashes: number, readonly opens: number, readonly acknowledged: number, readonly fileOperations: number }
}

/** How long after the faults all clients may take to finish. */
const calmMsMax = 120_000

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
    await drive(world, story(world, targets), () => violation)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation ??= error
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
  const acknowledged = targets.reduce((sum, { history }) => sum + history.acknowledgedCount, 0)
  return { seed: options.seed, violation, digest: world.trace.digest, trace: world.trace.lines, stats: { virtualMs: world.clock.monotonicMs(), crashes: world.crashCount, opens: world.openCount, acknowledged, fileOperations: world.fileSystem.operationCount } }
}

/** Moves the clock from timer to timer; between two, all runs that waits for promises alone, so nothing depends on the machine. */
async function drive (world: World, story: Promise<void>, violation: () => Violation | undefined): Promise<void> {
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
  const { profile } = world
  const running = Promise.race([world.keepRunning(), world.violated.promise])
  await Promise.race([running, play(world, targets, profile)])
  await running
}

async function play (world: World, targets: readonly Target[], profile: Profile): Promise<void> {
  void world.sleep(profile.chaosMs).then(() => world.calmDown())
  const admin = new SimulatedClient(world, 'admin')
  await admin.until(ApiKey.CreateTopics, 3, () => ({ topics: [{ name: 'main', numPartitions: profile.partitions, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1_000, validateOnly: false }),
    ({ topics }) => topics[0]!.errorCode === KafkaErrorCode.NONE || topics[0]!.errorCode === KafkaErrorCode.TOPIC_ALREADY_EXISTS)
  const target = (): Target => targets[world.random.below(targets.length)]!
  const producers = [
    ...Array.from({ length: profile.idempotentProducers }, (_, index) => new SimulatedProducer(world, { name: `i${index}`, target: target(), isIdempotent: true, batchesMax: Infinity })),
    ...Array.from({ length: profile.plainProducers }, (_, index) => new SimulatedProducer(world, { name: `p${index}`, target: target(), isIdempotent: false, batchesMax: Infinity }))
  ]
  await Promise.all([
    ...producers.map(producer => producer.run()),
    ...Array.from({ length: profile.consumers }, (_, index) => runConsumer(world, `c${index}`, targets))
  ])
  const reader = new SimulatedReader(world, 'verifier')
  for (const one of targets) {
    const { recordIds, startOffset } = await reader.readAll(one)
    one.history.whole(startOffset, recordIds)
  }
  world.crash('crash')
  for (const one of targets) {
    const { recordIds, startOffset } = await reader.readAll(one)
    one.history.whole(startOffset, recordIds)
  }
  world.end()
}
