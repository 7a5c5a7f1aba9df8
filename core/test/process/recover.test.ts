import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { BrokerProcess, folderSettings } from '../support/broker-process.ts'
import { clientOf, produce } from './client.ts'
import { find, holds, refusal, small, uploaded, uploading } from './stored.ts'

const cli = path.join(import.meta.dirname, '../../src/cli/main.ts')
const skipped = 2 ** 31

/** What a command says on a stopped broker's storage, and its exit code. */
function run (broker: BrokerProcess, args: readonly string[], changed: Readonly<Record<string, string>> = {}): { readonly code: number | null, readonly text: string } {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', cli, ...args], {
    env: { ...process.env, ...folderSettings(broker.folder), ...broker.settings, ...changed }, encoding: 'utf8'
  })
  return { code: status, text: stdout + stderr }
}

const folderOf = (broker: BrokerProcess, name: 'wal' | 'metadata' | 'objects'): string => path.join(broker.folder, name)
const elsewhere = (broker: BrokerProcess): Record<string, string> => ({ STREAMBED_STORAGE__WAL__PATH: path.join(broker.folder, 'wal-2') })

/** A copy of a folder as it is now; gives a function that puts it back. */
function copyOf (broker: BrokerProcess, name: 'wal' | 'metadata'): () => void {
  const copy = path.join(broker.folder, `${name}-copy`)
  fs.cpSync(folderOf(broker, name), copy, { recursive: true })
  return () => {
    fs.rmSync(folderOf(broker, name), { recursive: true })
    fs.cpSync(copy, folderOf(broker, name), { recursive: true })
  }
}

async function createAndProduce (broker: BrokerProcess, topic: string, values: readonly string[]): Promise<void> {
  await using client = clientOf(broker)
  await client.createTopic(topic, { partitions: 1, configs: {} })
  await produce(client, broker, topic, values)
}

async function endOf (broker: BrokerProcess, topic: string): Promise<number> {
  await using client = clientOf(broker)
  return await client.offsetFor(broker.address, { topic, partition: 0 }, -1)
}

describe('a start that is refused, and its way out', () => {
  for (const { name, exchange } of [
    { name: 'is gone', exchange: (wal: string) => fs.renameSync(wal, `${wal}-unmounted`) },
    { name: 'is an empty folder, as where a disk is not mounted', exchange: (wal: string) => { fs.renameSync(wal, `${wal}-unmounted`); fs.mkdirSync(wal) } },
    { name: 'is that of a fresh disk', exchange: (wal: string) => { fs.renameSync(wal, `${wal}-unmounted`); fs.mkdirSync(path.join(wal, 'lost+found'), { recursive: true }) } }
  ]) {
    it(`the WAL's folder ${name}: refused by name, nothing made; back again, nothing is lost`, async () => {
      await using broker = await BrokerProcess.start({ settings: small })
      await createAndProduce(broker, 't', ['a', 'b', 'c'])
      await broker.kill()
      const wal = folderOf(broker, 'wal')
      exchange(wal)
      const before = fs.existsSync(wal) ? fs.readdirSync(wal) : undefined
      for (let start = 0; start < 2; start++) {
        const message = await refusal(broker)
        assert.ok(message.includes(wal), message)
        assert.match(message, /mounted.*streambed recover/s)
      }
      assert.deepEqual(fs.existsSync(wal) ? fs.readdirSync(wal) : undefined, before)
      fs.rmSync(wal, { recursive: true, force: true })
      fs.renameSync(`${wal}-unmounted`, wal)
      await broker.restart()
      await holds(broker, 't', ['a', 'b', 'c'])
    })
  }

  it('the WAL is lost: recover says what is kept, skips what may have been given out, and the broker goes on', async () => {
    await using broker = await BrokerProcess.start({ settings: uploading })
    const values = Array.from({ length: 20 }, (_, index) => `kept-${index};`.padEnd(200_000, '.'))
    await createAndProduce(broker, 't', values)
    // Of two segments that are put at a time the first is committed before a third is begun.
    await uploaded(broker, 'kept-13;')
    await broker.kill()
    fs.rmSync(folderOf(broker, 'wal'), { recursive: true })
    await refusal(broker)
    const told = run(broker, ['recover'])
    assert.equal(told.code, 1, told.text)
    assert.match(told.text, /--accept-loss wal/)
    const { code, text } = run(broker, ['recover', '--accept-loss', 'wal'])
    assert.equal(code, 0, text)
    const kept = Number(/t-0: offsets \[0, (\d+)\) are kept/.exec(text)?.[1])
    assert.ok(kept >= 1 && kept <= 20, text)
    await broker.restart()
    assert.equal(await endOf(broker, 't'), kept + skipped)
    {
      await using client = clientOf(broker)
      await produce(client, broker, 't', ['after'])
    }
    await holds(broker, 't', [...values.slice(0, kept), 'after'])
    assert.equal(await endOf(broker, 't'), kept + skipped + 1)
    await broker.killAndRestart()
    await holds(broker, 't', [...values.slice(0, kept), 'after'])
    assert.equal(run(broker, ['recover'], { STREAMBED_NODE__LISTENERS: '["plaintext://127.0.0.1:0"]' }).code, 1, 'a broker that runs holds the metadata')
  })

  it('the WAL is damaged: what lies before is kept, the damaged one stays as it is, and another place is asked for', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await createAndProduce(broker, 't', ['first-record'])
    {
      await using client = clientOf(broker)
      await produce(client, broker, 't', ['second-record'])
      await produce(client, broker, 't', ['third-record'])
    }
    await broker.kill()
    const { at, file } = find(folderOf(broker, 'wal'), 'second-record')
    const bytes = fs.readFileSync(file)
    bytes[at]! ^= 1
    fs.writeFileSync(file, bytes)
    await refusal(broker)
    const sameplace = run(broker, ['recover', '--accept-loss', 'wal'])
    assert.equal(sameplace.code, 1, sameplace.text)
    assert.match(sameplace.text, /give storage\.wal a place where no log is yet/)
    const { code, text } = run(broker, ['recover', '--accept-loss', 'wal'], elsewhere(broker))
    assert.equal(code, 0, text)
    assert.match(text, /from here on the last WAL cannot be read.*t-0: offsets \[0, 1\) are kept/s)
    assert.ok(fs.readFileSync(file).equals(bytes), 'the damaged log was changed')
    await broker.restart(elsewhere(broker))
    await holds(broker, 't', ['first-record'])
    assert.equal(await endOf(broker, 't'), 1 + skipped)
  })

  it('the metadata lost its end, an older copy: refused for ever, no topic serves the records of another; with the right copy nothing is lost', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await createAndProduce(broker, 'a', ['of a'])
    await broker.kill()
    const putBack = copyOf(broker, 'metadata')
    await broker.restart()
    await createAndProduce(broker, 'b', ['of b'])
    await broker.kill()
    fs.cpSync(folderOf(broker, 'metadata'), path.join(broker.folder, 'newest'), { recursive: true })
    putBack()
    for (let start = 0; start < 5; start++) assert.match(await refusal(broker), /metadata log has lost its end.*streambed recover/s)
    fs.rmSync(folderOf(broker, 'metadata'), { recursive: true })
    fs.renameSync(path.join(broker.folder, 'newest'), folderOf(broker, 'metadata'))
    await broker.restart()
    await holds(broker, 'a', ['of a'])
    await holds(broker, 'b', ['of b'])
  })

  it('the metadata lost its end for good: recover keeps what it knows, and never gives an id out again', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await createAndProduce(broker, 'a', ['of a'])
    // Not from between two lives: the next one would upload what the first has written.
    const putBack = copyOf(broker, 'metadata')
    await createAndProduce(broker, 'b', ['of b'])
    {
      await using client = clientOf(broker)
      await produce(client, broker, 'a', ['more of a'])
    }
    await broker.kill()
    putBack()
    await refusal(broker)
    assert.match(run(broker, ['recover', '--accept-loss', 'wal'], elsewhere(broker)).text, /--accept-loss metadata/)
    const { code, text } = run(broker, ['recover', '--accept-loss', 'metadata'], elsewhere(broker))
    assert.equal(code, 0, text)
    assert.match(text, /which the metadata does not know: records of offsets \[0, 1\).*given up/s)
    await broker.restart(elsewhere(broker))
    await holds(broker, 'a', ['of a', 'more of a'])
    await createAndProduce(broker, 'c', ['of c'])
    await holds(broker, 'c', ['of c'])
  })

  it('one bit of the metadata log, in the middle and in the last group: refused by name, and repaired', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await createAndProduce(broker, 'a', ['of a'])
    await createAndProduce(broker, 'lost-topic', ['of b'])
    assert.deepEqual(await broker.end('SIGTERM'), { code: 0, signal: null })
    const { at, file } = find(folderOf(broker, 'metadata'), 'lost-topic')
    const bytes = fs.readFileSync(file)
    bytes[at]! ^= 1
    fs.writeFileSync(file, bytes)
    assert.ok((await refusal(broker)).includes(file))
    assert.match(run(broker, ['recover'], elsewhere(broker)).text, /--accept-loss metadata/)
    const { code, text } = run(broker, ['recover', '--accept-loss', 'metadata'], elsewhere(broker))
    assert.equal(code, 0, text)
    assert.match(text, /kept entries before \d+.*set aside/s)
    await broker.restart(elsewhere(broker))
    await holds(broker, 'a', ['of a'])
  })

  it('the mark of the object store is lost: recover takes the store for what it was', async () => {
    await using broker = await BrokerProcess.start({ settings: uploading })
    const values = Array.from({ length: 12 }, (_, index) => `kept-${index};`.padEnd(200_000, '.'))
    await createAndProduce(broker, 't', values)
    await uploaded(broker, 'kept-1;')
    await broker.kill()
    fs.rmSync(find(folderOf(broker, 'objects'), '"clusterId"').file)
    assert.match(await refusal(broker), /holds nothing of this cluster/)
    assert.equal(run(broker, ['recover', '--accept-loss', 'objects']).code, 0)
    await broker.restart()
    await holds(broker, 't', values)
  })

  it('a mistyped WAL path, and a mistyped node id, leave nothing behind', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await createAndProduce(broker, 't', ['a'])
    await broker.end('SIGTERM')
    const file = path.join(broker.folder, 'a-file')
    fs.writeFileSync(file, '')
    const wrongPath = broker.launch({ STREAMBED_STORAGE__WAL__PATH: path.join(file, 'wal') })
    assert.equal((await wrongPath.ended).code, 1)
    const wrongNode = broker.launch({ STREAMBED_NODE__ID: '77' })
    assert.equal((await wrongNode.ended).code, 1, wrongNode.stderr)
    assert.match(run(broker, ['node', 'list']).text, /^node 1 {2}epoch \d+ {2}plaintext:\/\/.*\nnode 77 {2}epoch \d+ {2}never served {2}partitions 0\n$/)
    await broker.restart()
    await holds(broker, 't', ['a'])
    await using client = clientOf(broker)
    const { brokers } = await client.request(broker.address, 3, { topics: null, allowAutoTopicCreation: false, includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false } as never) as unknown as { readonly brokers: readonly { readonly nodeId: number }[] }
    assert.deepEqual(brokers.map(({ nodeId }) => nodeId), [1])
    await broker.end('SIGTERM')
    assert.equal(run(broker, ['node', 'remove', '77']).code, 0)
    assert.match(run(broker, ['node', 'remove', '1']).text, /owns partitions/)
    assert.match(run(broker, ['node', 'list']).text, /^node 1 [^\n]*\n$/)
  })

  it('another capacity of the same WAL is the same WAL: it starts at once, and keeps all', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await createAndProduce(broker, 't', ['a', 'b'])
    await broker.kill()
    await broker.restart({ STREAMBED_STORAGE__WAL__CAPACITY: '32MiB' })
    await holds(broker, 't', ['a', 'b'])
    assert.doesNotMatch(broker.run.stderr, /moving its records/)
  })
})
