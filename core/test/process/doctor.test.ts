import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { BrokerProcess, folderSettings, runCli, temporaryFolder } from '../support/broker-process.ts'
import { services } from '../support/services.ts'

describe('streambed doctor', () => {
  let folder: string
  beforeEach(() => { folder = temporaryFolder() })
  afterEach(() => { fs.rmSync(folder, { recursive: true, force: true }) })

  const doctor = async (storage: object): ReturnType<typeof runCli> => {
    const file = path.join(folder, 'streambed.yaml')
    fs.writeFileSync(file, JSON.stringify({ storage }))
    return await runCli(['doctor', '-c', file])
  }
  const at = (name: string): string => path.join(folder, name)

  it('finds nothing wrong with folders that work', async () => {
    const { code, stderr, stdout } = await doctor({ wal: { plugin: 'regional-disk', path: at('wal') }, objects: { plugin: 'fs', path: at('objects') }, metadata: { plugin: 'file', path: at('metadata') } })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^ok +object store 'default' \(fs\)\nok +metadata log \(file\)\nskipped +write-ahead log \(regional-disk\): opening it would fence/)
  })

  it('names each store that cannot be relied on, and what to do; looks at the others', async () => {
    fs.writeFileSync(at('taken'), 'a file')
    const { code, stderr, stdout } = await doctor({
      wal: { plugin: 'object' },
      objects: { plugin: 'fs', path: at('objects') },
      stores: { cloud: { plugin: 's3', bucket: 'absent', endpoint: 'http://127.0.0.1:9', accessKeyId: 'a', secretAccessKey: 'b' }, broken: { plugin: 'fs', path: at('taken/below') } },
      metadata: { plugin: 'object', store: 'default' }
    })
    assert.equal(code, 1)
    assert.match(stdout, /ok +object store 'default'/)
    assert.match(stdout, /ERROR +object store 'cloud' \(s3\)\n +error: .*ECONNREFUSED.*Check that the service runs and that the endpoint is right/)
    assert.match(stdout, /ERROR +object store 'broken' \(fs\)\n +error: .*taken/)
    assert.match(stdout, /ok +metadata log \(object\)/)
    assert.match(stderr, /could not rely on 2 of the backends/)
  })

  it('leaves a broker that is running in peace', async () => {
    await using broker = await BrokerProcess.start()
    const { code, stderr, stdout } = await runCli(['doctor'], { settings: folderSettings(broker.folder) })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /skipped +metadata log \(file\): a broker is using it/)
    assert.equal((await runCli(['topic', 'create', 'after', '-b', broker.bootstrap])).code, 0)
  })

  it('says of a wrong configuration which key', async () => {
    const { code, stderr } = await doctor({ objects: { plugin: 's3' } })
    assert.equal(code, 1)
    assert.match(stderr, /storage\.objects\.bucket/)
  })

  for (const { name, objects } of services) {
    it(`looks at ${name}: sound, and with a bucket that does not exist`, async () => {
      const files = { wal: { plugin: 'object' }, metadata: { plugin: 'object' } }
      const sound = await doctor({ ...files, objects: objects() })
      assert.equal(sound.code, 0, sound.stdout)
      const options = objects() as Record<string, unknown>
      const wrong = await doctor({ ...files, objects: { ...options, ...'bucket' in options ? { bucket: 'nobody-has-this' } : { container: 'nobody-has-this' } } })
      assert.equal(wrong.code, 1)
      assert.match(wrong.stdout, /ERROR .*\n +error: .*does not exist.*nobody-has-this/)
    })
  }
})
