import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { BrokerProcess, folderSettings, runCli, startRun, temporaryFolder, type CliResult } from '../support/broker-process.ts'

/** Starts a broker that must refuse: exit code 1 and one plain message, no stack. Gives the message. */
async function refusal (settings: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<string> {
  const run = startRun(settings, args)
  const outcome = await Promise.race([run.ended, run.ready.then(() => 'ready', () => run.ended)])
  run.child.kill('SIGKILL')
  assert.deepEqual(outcome, { code: 1, signal: null }, run.stderr)
  assert.doesNotMatch(run.stderr, /\n\s+at /, 'a stack is no help to an operator')
  return run.stderr
}

describe('a broker process that cannot start', () => {
  let folder: string
  beforeEach(() => { folder = temporaryFolder() })
  afterEach(() => { fs.rmSync(folder, { recursive: true, force: true }) })

  it('names the port in use and the setting', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as net.AddressInfo
    try {
      assert.match(await refusal(folderSettings(folder, port)), new RegExp(`port=${port}.*node\\.listeners`))
    } finally {
      taken.close()
    }
  })

  it('on the data directory of a running broker: names it, and the running one goes on', async () => {
    await using broker = await BrokerProcess.start({ folder })
    assert.match(await refusal(folderSettings(folder)), /another (broker|process).*metadata.*Stop it/s)
    assert.equal((await runCli(['topic', 'list', '-b', broker.bootstrap])).code, 0)
  })

  for (const backend of ['wal', 'objects', 'metadata'] as const) {
    it(`names the path of ${backend} when it lies below a file`, async () => {
      const file = path.join(folder, 'file')
      fs.writeFileSync(file, '')
      const where = path.join(file, backend)
      const message = await refusal({ ...folderSettings(folder), [`STREAMBED_STORAGE__${backend.toUpperCase()}__PATH`]: where })
      assert.ok(message.includes(file), message)
      assert.match(message, /folder|directory|path/)
    })
  }

  const configs: ReadonlyArray<{ readonly name: string, readonly text: string, readonly want: readonly RegExp[] }> = [
    { name: 'an unknown key', text: 'storage:\n  wall: {}\n', want: [/storage: unknown key 'wall'.*config reference/] },
    { name: 'a wrong unit', text: 'storage:\n  uploadBytes: 5 apples\n', want: [/storage\.uploadBytes: expected bytes, such as 64MiB, got "5 apples"/] },
    { name: 'a number out of range', text: 'node:\n  id: -5\n', want: [/node\.id: expected 0 to 2147483647, got -5/] },
    { name: 'a wrong type', text: 'node:\n  listeners: 9092\n', want: [/node\.listeners: .*(expected|got)/] },
    { name: 'a wrong listener', text: 'node:\n  listeners: ["ssl://:1"]\n', want: [/node\.listeners\.0: expected plaintext:\/\/HOST:PORT, got 'ssl:\/\/:1'/] },
    { name: 'a wrong enum', text: 'log:\n  level: loud\n', want: [/log\.level: .*debug.*(got|received) .*loud/] },
    { name: 'a section that is no map', text: 'storage: 5\n', want: [/storage: .*expected.*(got|received)/] },
    { name: 'an unknown Kafka setting', text: 'kafka:\n  num.partitionz: 1\n', want: [/num\.partitionz/] },
    { name: 'a wrong Kafka setting', text: 'kafka:\n  num.partitions: many\n', want: [/num\.partitions.*many/] },
    { name: 'a plugin that is not there', text: 'storage:\n  wal: { plugin: no-such-plugin }\n', want: [/storage\.wal.*no-such-plugin/] },
    { name: 'an unknown option of a plugin', text: 'storage:\n  wal: { plugin: regional-disk, path: w, pth: x }\n', want: [/storage\.wal.*pth/] },
    { name: 'a wrong option of a plugin', text: 'storage:\n  wal: { plugin: regional-disk, path: w, capacity: 12 }\n', want: [/storage\.wal\.capacity.*expected 4194304 to \d+, got 12/] },
    { name: 'text that is no YAML', text: 'node: [\n', want: [/line|column/] }
  ]
  for (const { name, text, want } of configs) {
    it(`with ${name} in its configuration: names file, key, expected and given`, async () => {
      const file = path.join(folder, 'streambed.yaml')
      fs.writeFileSync(file, text)
      const result = await runCli(['config', 'check', '-c', file])
      assert.equal(result.code, 1, result.stdout)
      assert.ok(result.stderr.includes(file), `no file in: ${result.stderr}`)
      assertPlain(result)
      for (const pattern of want) assert.match(result.stderr, pattern)
    })
  }

  it('with a wrong setting in the environment: names the variable', async () => {
    assert.match(await refusal({ ...folderSettings(folder), STREAMBED_NODE__ID: 'x' }), /STREAMBED_NODE__ID: node\.id: expected a whole number, got "x"/)
  })

  const variables: ReadonlyArray<{ readonly variable: string, readonly value: string, readonly want: RegExp }> = [
    { variable: 'STREAMBED_STORAGE__WAL__CAPACITY', value: '12', want: /^STREAMBED_STORAGE__WAL__CAPACITY: storage\.wal\.capacity: expected 4194304 to/m },
    { variable: 'STREAMBED_STORAGE__WAL__PTH', value: 'x', want: /^STREAMBED_STORAGE__WAL__PTH: storage\.wal: .*pth/m },
    { variable: 'STREAMBED_STORAGE__OBJECTS', value: '{ plugin: fs, path: 5 }', want: /^STREAMBED_STORAGE__OBJECTS: storage\.objects\.path: / },
    { variable: 'STREAMBED_STORAGE__METADATA__PLUGIN', value: 'none-such', want: /^STREAMBED_STORAGE__METADATA__PLUGIN: storage\.metadata\.plugin 'none-such' cannot be found/ },
    { variable: 'STREAMBED_STORAGE__WALL__PATH', value: 'x', want: /^STREAMBED_STORAGE__WALL__PATH: storage: unknown key 'wall'/ },
    { variable: 'STREAMBED_KAFKA__NUM_PARTITIONS', value: 'many', want: /^STREAMBED_KAFKA__NUM_PARTITIONS: kafka\.num\.partitions: .*many/ }
  ]
  for (const { variable, value, want } of variables) {
    it(`with ${variable}=${value}: blames the variable`, async () => {
      const file = path.join(folder, 'streambed.yaml')
      fs.writeFileSync(file, 'storage:\n  wal: { plugin: regional-disk, path: wal }\n  objects: { plugin: fs, path: objects }\n  metadata: { plugin: file, path: metadata }\n')
      const result = await runCli(['config', 'check', '-c', file], { settings: { [variable]: value } })
      assert.equal(result.code, 1, result.stdout)
      assertPlain(result)
      assert.match(result.stderr.replace(/^streambed: /, ''), want)
      assert.ok(!result.stderr.includes(file), result.stderr)
    })
  }

  it('with a wrong option in the file and another in the environment: blames each for its own', async () => {
    const file = path.join(folder, 'streambed.yaml')
    fs.writeFileSync(file, 'storage:\n  wal: { plugin: regional-disk, path: wal, pathx: 1 }\n')
    const { stderr } = await runCli(['config', 'check', '-c', file], { settings: { STREAMBED_STORAGE__WAL__CAPACITY: '12', STREAMBED_STORAGE__WAL__PATH: 'wal' } })
    assert.match(stderr, /STREAMBED_STORAGE__WAL__CAPACITY: storage\.wal\.capacity: /)
    assert.ok(stderr.includes(`${file}: storage.wal: `), stderr)
  })

  it('with a configuration file that is not there: names it', async () => {
    assert.match(await refusal({}, ['-c', path.join(folder, 'none.yaml')]), /none\.yaml: cannot be read/)
  })
})

function assertPlain ({ stderr }: CliResult): void { assert.doesNotMatch(stderr, /\n\s+at /, 'a stack is no help to an operator') }
