import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { newPlugin, pluginKinds, type PluginKind } from '../../src/main/new-plugin.ts'
import { startRun } from '../support/broker-process.ts'
import { clientOf, consumeAll, produce } from './client.ts'

const root = path.join(import.meta.dirname, '../../..')
const modules = path.join(root, 'node_modules')

interface Ended { readonly status: number | null, readonly output: string }

/** Runs a program of `node_modules` as an author's npm scripts do: on built packages. */
function run (folder: string, args: readonly string[]): Ended {
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  return { status, output: stdout + stderr }
}

describe('a new plugin', () => {
  let folder: string
  before(function () {
    this.timeout(120_000)
    const { output, status } = run(root, [path.join(root, 'tools/run.mjs'), 'build'])
    assert.equal(status, 0, output)
  })
  beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'streambed-new-plugin-')) })
  afterEach(() => { rmSync(folder, { recursive: true, force: true }) })

  const scaffold = (kind: PluginKind): string => {
    const at = path.join(folder, 'plugin')
    newPlugin({ kind, name: 'sqlite', folder: at })
    symlinkSync(modules, path.join(at, 'node_modules'))
    return at
  }
  const test = (at: string): Ended => run(at, ['--test', 'test/**/*.test.ts'])
  const types = (at: string): Ended => run(at, [path.join(modules, 'typescript/bin/tsc'), '--noEmit', '--allowImportingTsExtensions', '--rewriteRelativeImportExtensions', 'false'])
  const certify = (at: string): Ended => run(at, [path.join(root, 'conformance/dist/cli/main.js'), 'run', '--plugin', './src/index.ts', '--config', 'certify.yaml', '--level', 'durability', '--out', 'report'])

  for (const kind of pluginKinds) {
    it(`of kind ${kind} passes its tests as it is written, and names what it depends on`, function () {
      this.timeout(60_000)
      const at = scaffold(kind)
      const { output, status } = test(at)
      assert.equal(status, 0, output)
      assert.match(output, /fail 0/)
      assert.deepEqual(types(at), { status: 0, output: '' })
      const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(path.join(at, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
      const ours = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
      for (const [name, spec] of Object.entries({ ...dependencies, ...devDependencies })) if (spec.startsWith('file:')) assert.ok(existsSync(path.join(at, spec.slice('file:'.length), 'package.json')), name)
      assert.deepEqual([optionalDependencies, devDependencies!['typescript'], devDependencies!['@types/node']], [ours['optionalDependencies'], ours['devDependencies']!['typescript'], ours['devDependencies']!['@types/node']])
      assert.doesNotMatch(['README.md', 'package.json', 'src/index.ts', 'test/conformance.test.ts'].map(file => readFileSync(path.join(at, file), 'utf8')).join(), /plugin-(name|kind)|package-name/)
    })
  }

  it('that follows the guide fails durability in memory, passes it when completed, and bears a broker', async function () {
    this.timeout(120_000)
    const at = scaffold('object-store')
    const begun = certify(at)
    assert.equal(begun.status, 1, begun.output)
    assert.match(begun.output, /OS-D01 ack_then_kill: failed/)

    const guide = readFileSync(path.join(root, 'docs/plugins.md'), 'utf8')
    const files = [...guide.matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms)]
    assert.equal(files.length, 5)
    for (const [, file, text] of files) writeFileSync(path.join(at, file!), text!)
    rmSync(path.join(at, 'src/memory-object-store.ts'))

    const tested = test(at)
    assert.equal(tested.status, 0, tested.output)
    assert.deepEqual(types(at), { status: 0, output: '' })
    const completed = certify(at)
    assert.equal(completed.status, 0, completed.output)
    assert.match(completed.output, /0 failed.*level durability/)
    assert.deepEqual(readdirSync(at).filter(name => name.includes('.db')), [], 'left behind by the checks')

    for (const expected of [[], ['before a kill']]) {
      const run = startRun({
        STREAMBED_NODE__LISTENERS: '["plaintext://127.0.0.1:0"]',
        STREAMBED_STORAGE__OBJECTS__PATH: path.join(folder, 'broker.db'),
        STREAMBED_STORAGE__WAL__PLUGIN: 'regional-disk',
        STREAMBED_STORAGE__WAL__PATH: path.join(folder, 'wal'),
        STREAMBED_STORAGE__WAL__CAPACITY: '8MiB',
        STREAMBED_STORAGE__METADATA__PLUGIN: 'file',
        STREAMBED_STORAGE__METADATA__PATH: path.join(folder, 'metadata')
      }, ['-c', path.join(at, 'broker.yaml')])
      const broker = { address: { host: '127.0.0.1', port: await run.ready } }
      const client = clientOf(broker)
      try {
        if (expected.length === 0) await client.createTopic('t', { partitions: 1, configs: {} })
        assert.deepEqual(await consumeAll(client, broker, 't'), expected)
        await produce(client, broker, 't', ['before a kill'])
      } finally {
        await client.close()
        run.child.kill('SIGKILL')
        await run.ended
      }
    }
    assert.ok(existsSync(path.join(folder, 'broker.db')))
  })

  it('is refused for a name that no package has, and in a folder that holds something', () => {
    for (const name of ['', 'Mine', '9', 'a--b', '../a', 'a b']) assert.throws(() => { newPlugin({ kind: 'wal', name, folder: path.join(folder, 'x') }) }, /lower-case words joined by '-'.*got/)
    mkdirSync(path.join(folder, 'full'))
    writeFileSync(path.join(folder, 'full', 'precious'), 'text')
    assert.throws(() => { newPlugin({ kind: 'wal', name: 'mine', folder: path.join(folder, 'full') }) }, /is not empty; name another folder/)
    assert.equal(readFileSync(path.join(folder, 'full', 'precious'), 'utf8'), 'text')
  })
})
