import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { BrokerProcess, folderSettings, startRun, temporaryFolder } from '../support/broker-process.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { clientOf } from './client.ts'
import { SteadyProducer } from './steady-producer.ts'
import { refusal } from './stored.ts'

const MiB = 1024 * 1024
const unmountable = SmallDisk.refusal

type Backend = 'wal' | 'objects' | 'metadata'

/** Settings that put one backend on `disk`. */
function on (disk: SmallDisk, backend: Backend, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { [`STREAMBED_STORAGE__${backend.toUpperCase()}__PATH`]: path.join(disk.folder, backend), ...more }
}

/** Resolves once the broker's log has a line that matches. */
async function logged (broker: BrokerProcess, pattern: RegExp): Promise<void> {
  const { child } = broker.run
  while (!pattern.test(broker.run.stderr)) await new Promise(resolve => child.stderr!.once('data', resolve))
}

describe('a broker process on a disk that is full', () => {
  if (unmountable !== undefined) {
    it(`did not run: a small file system cannot be mounted here: ${unmountable}`, () => {})
    return
  }

  for (const backend of ['wal', 'objects', 'metadata'] as const) {
    it(`at its first start, for ${backend}: names path and remedy; starts once there is room`, async () => {
      using disk = new SmallDisk(8 * MiB)
      disk.fill()
      const folder = temporaryFolder()
      try {
        const settings = { ...folderSettings(folder), ...on(disk, backend) }
        const run = startRun(settings)
        assert.deepEqual(await run.ended, { code: 1, signal: null }, run.stderr)
        assert.ok(run.stderr.includes(disk.folder), run.stderr)
        assert.match(run.stderr, /free (some|space)/i)
        assert.doesNotMatch(run.stderr, /\n\s+at /)
        disk.free()
        await using broker = await BrokerProcess.start({ folder, settings: on(disk, backend) })
        await using producer = new SteadyProducer(broker, 't', { recordBytes: 100 })
        await createTopic(broker, 't')
        await producer.acknowledge(3)
        await producer.check()
      } finally {
        fs.rmSync(folder, { recursive: true, force: true })
      }
    })
  }

  it('for the WAL while it runs: producers are told to try again, all that was acknowledged stays, and it goes on by itself', async () => {
    using disk = new SmallDisk(8 * MiB)
    await using broker = await BrokerProcess.start({ settings: on(disk, 'wal', { STREAMBED_STORAGE__WAL__CAPACITY: '64MiB' }) })
    // The port that it took is now the one that it is told: it keeps that when it opens anew.
    await broker.killAndRestart()
    await createTopic(broker, 't')
    await using producer = new SteadyProducer(broker, 't', { recordBytes: MiB / 4 })
    await producer.acknowledge(3)
    disk.fill()
    await producer.untilRefused()
    assert.deepEqual([...producer.refusals], ['REQUEST_TIMED_OUT'], 'it was under way: whether its bytes got there is not known')
    await logged(broker, /free (some|space)/i)
    await producer.check()
    disk.free()
    await producer.acknowledge(5)
    await producer.check()
    assert.deepEqual(await broker.end('SIGTERM'), { code: 0, signal: null }, broker.run.stderr)
    await broker.restart()
    await producer.check()
  })

  it('for objects while it runs: what waits stays in the WAL, the broker serves on, and uploads when there is room', async () => {
    using disk = new SmallDisk(8 * MiB)
    await using broker = await BrokerProcess.start({
      settings: on(disk, 'objects', { STREAMBED_STORAGE__WAL__CAPACITY: '16MiB', STREAMBED_STORAGE__PENDING_BYTES_MAX: '8MiB', STREAMBED_STORAGE__UPLOAD_BYTES: '1MiB' })
    })
    await createTopic(broker, 't')
    await using producer = new SteadyProducer(broker, 't', { recordBytes: MiB / 4 })
    disk.fill()
    await producer.untilRefused()
    assert.deepEqual([...producer.refusals], ['KAFKA_STORAGE_ERROR'])
    await logged(broker, /the object store cannot be used now.*free space/i)
    await producer.check()
    disk.free()
    await producer.acknowledge(5)
    await producer.check()
    assert.doesNotMatch(broker.run.stderr, /opened again/)
  })

  it('for metadata while it runs: records go on, changes are refused until there is room', async () => {
    using disk = new SmallDisk(8 * MiB)
    await using broker = await BrokerProcess.start({ settings: on(disk, 'metadata', { STREAMBED_STORAGE__UPLOAD_BYTES: '1MiB' }) })
    await createTopic(broker, 't')
    await using producer = new SteadyProducer(broker, 't', { recordBytes: MiB / 4 })
    await using client = clientOf(broker)
    disk.fill()
    assert.match(await untilTopicsAreRefused(client), /KAFKA_STORAGE_ERROR.*free space/i)
    await producer.acknowledge(10)
    await producer.check()
    disk.free()
    await client.createTopic('later', { partitions: 1, configs: {} })
    await producer.acknowledge(10)
    await broker.killAndRestart()
    await producer.check()
    assert.deepEqual((await topicsOf(broker)).filter(name => name === 'later' || name === 't'), ['later', 't'])
  })

  it('for metadata at a later start: names path and remedy, and has all that was acknowledged once there is room', async () => {
    using disk = new SmallDisk(8 * MiB)
    await using broker = await BrokerProcess.start({ settings: on(disk, 'metadata') })
    await createTopic(broker, 't')
    await using producer = new SteadyProducer(broker, 't', { recordBytes: 100 })
    await producer.acknowledge(10)
    disk.fill()
    {
      await using client = clientOf(broker)
      await untilTopicsAreRefused(client)
    }
    await broker.kill()
    const message = await refusal(broker)
    assert.ok(message.includes(path.join(disk.folder, 'metadata')), message)
    assert.match(message, /free (some|space)/i)
    disk.free()
    await broker.restart()
    await producer.acknowledge(20)
    await producer.check()
  })
})

/** Gives the refusal. Some may still be made: the end of the log's last block on disk may be free. */
async function untilTopicsAreRefused (client: ReturnType<typeof clientOf>): Promise<string> {
  for (let index = 0; ; index++) {
    const refused = await client.createTopic(`more-${index}`, { partitions: 100, configs: {} }).then(() => undefined, (error: Error) => error)
    if (refused !== undefined) return refused.message
  }
}

async function createTopic (broker: BrokerProcess, name: string): Promise<void> {
  await using client = clientOf(broker)
  await client.createTopic(name, { partitions: 1, configs: {} })
}

async function topicsOf (broker: BrokerProcess): Promise<string[]> {
  await using client = clientOf(broker)
  return (await client.topics(null)).map(({ name }) => name!).sort()
}
