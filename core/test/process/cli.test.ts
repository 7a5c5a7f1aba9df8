import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BrokerProcess, folderSettings, runCli, shellCommand } from '../support/broker-process.ts'

const shell = promisify(execFile)

describe('the command line', () => {
  let broker: BrokerProcess
  before(async () => { broker = await BrokerProcess.start() })
  after(async () => { await broker[Symbol.asyncDispose]() })
  const cli = async (...args: readonly string[]): Promise<string> => {
    const result = await runCli([...args, '-b', broker.bootstrap])
    assert.equal(result.code, 0, result.stderr)
    assert.equal(result.stderr, '')
    return result.stdout
  }

  it('--help lists the commands, an unknown one is refused with a suggestion', async () => {
    const help = await runCli(['--help'])
    assert.equal(help.code, 0)
    for (const command of ['start', 'config', 'topic', 'produce', 'consume', 'dump', 'doctor']) assert.match(help.stdout, new RegExp(`streambed ${command}`))
    const unknown = await runCli(['topics'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /Did you mean topic\?|Unknown/)
    const none = await runCli([])
    assert.equal(none.code, 1)
    assert.match(none.stderr, /--help/)
  })

  it('topics are created, listed, described and deleted', async () => {
    await cli('topic', 'create', 'letters', '-p', '3')
    assert.match(await cli('topic', 'list'), /letters/)
    const letters = await cli('topic', 'describe', 'letters')
    assert.match(letters, /letters[\s\S]*2/)
    assert.doesNotMatch(letters, /compact/)
    await cli('topic', 'create', 'table', '--config=cleanup.policy=delete,compact')
    assert.match(await cli('topic', 'describe', 'table'), /settings cleanup\.policy=delete,compact\n {2}compact: older records of a key stay, compaction does not run in this release\n/)
    await cli('topic', 'delete', 'letters')
    assert.doesNotMatch(await cli('topic', 'list'), /letters/)
    const missing = await runCli(['topic', 'describe', 'letters', '-b', broker.bootstrap])
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /letters.*UNKNOWN_TOPIC_OR_PARTITION/)
  })

  it('works in pipes, and a reader that has seen enough is no error', async () => {
    const { stderr, stdout } = await shell('bash', ['-c', `set -e; set -o pipefail
      seq 1 50000 | ${shellCommand} produce numbers -b ${broker.bootstrap}
      ${shellCommand} consume numbers -e -b ${broker.bootstrap} | wc -l
      set +o pipefail
      ${shellCommand} consume numbers -e -b ${broker.bootstrap} | head -3`])
    assert.equal(stderr, '')
    assert.deepEqual(stdout.trim().split('\n').map(line => line.trim()), ['50000', '1', '2', '3'])
  })

  it('says so when no broker is there', async () => {
    const result = await runCli(['topic', 'list', '-b', '127.0.0.1:1'])
    assert.equal(result.code, 1)
    assert.match(result.stderr, /cannot connect\. host=127\.0\.0\.1 port=1; is a broker running there\?/)
  })

  it('dump shows what a stopped broker has stored, and names the lock while it runs', async () => {
    await cli('topic', 'create', 'dumped', '-p', '1')
    await runCli(['produce', 'dumped', '-b', broker.bootstrap], { input: 'hello\n' })
    const settings = folderSettings(broker.folder)
    const locked = await runCli(['dump', 'metadata'], { settings })
    assert.equal(locked.code, 1)
    assert.match(locked.stderr, /another broker uses the metadata log in .*Stop it/)
    assert.deepEqual(await broker.end('SIGTERM'), { code: 0, signal: null })
    const dumps: Record<string, string> = {}
    for (const what of ['wal', 'objects', 'metadata']) {
      const result = await runCli(['dump', what, '-r'], { settings })
      assert.equal(result.code, 0, result.stderr)
      dumps[what] = result.stdout
    }
    assert.match(`${dumps['wal']}${dumps['objects']}`, /dumped-0[\s\S]*hello/)
    assert.match(dumps['metadata']!, /dumped/)
    await broker.restart()
    assert.equal(await cli('consume', 'dumped', '-e'), 'hello\n')
  })

  it('config check and reference tell what is set and what may be', async () => {
    assert.match((await runCli(['config', 'check'])).stdout, /ok \(wal regional-disk, objects fs, metadata file\)/)
    assert.match((await runCli(['config', 'reference'])).stdout, /uploadIntervalMs/)
  })
})
