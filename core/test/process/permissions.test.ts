import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { BrokerProcess, folderSettings, startRun, temporaryFolder } from '../support/broker-process.ts'
import { clientOf, consumeAll, produce } from './client.ts'

const nobody = { uid: 65_534, gid: 65_534 }
const isRoot = process.getuid?.() === 0

describe('a broker process of a user that may not write everywhere', () => {
  if (!isRoot) {
    it('did not run: only root can start a process of another user', () => {})
    return
  }

  let folder: string
  beforeEach(() => {
    folder = temporaryFolder()
    fs.chownSync(folder, nobody.uid, nobody.gid)
  })
  afterEach(() => { fs.rmSync(folder, { recursive: true, force: true }) })

  for (const backend of ['wal', 'objects', 'metadata'] as const) {
    for (const exists of [true, false]) {
      it(`with a folder for ${backend} that ${exists ? "is somebody else's" : 'it may not make'}: names path and remedy; runs once that is mended`, async () => {
        const target = path.join(folder, 'foreign', backend)
        fs.mkdirSync(exists ? target : path.dirname(target), { recursive: true, mode: 0o755 })
        const settings = { [`STREAMBED_STORAGE__${backend.toUpperCase()}__PATH`]: target }
        const run = startRun({ ...folderSettings(folder), ...settings }, [], nobody)
        assert.deepEqual(await run.ended, { code: 1, signal: null }, run.stderr)
        assert.ok(run.stderr.includes(target), run.stderr)
        assert.match(run.stderr, /Give the user that runs the broker read and write permission|give the broker's user both rights/)
        assert.doesNotMatch(run.stderr, /\n\s+at /)
        for (const made of [path.dirname(target), target]) if (fs.existsSync(made)) fs.chownSync(made, nobody.uid, nobody.gid)
        await using broker = await BrokerProcess.start({ folder, settings, identity: nobody })
        await using client = clientOf(broker)
        await client.createTopic('t', { partitions: 1, configs: {} })
        await produce(client, broker, 't', ['a'])
        assert.deepEqual(await consumeAll(client, broker, 't'), ['a'])
        assert.equal(fs.statSync(target).uid, nobody.uid)
      })
    }
  }
})
