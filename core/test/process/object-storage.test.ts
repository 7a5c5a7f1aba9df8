import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { startRun, temporaryFolder, type BrokerRun } from '../support/broker-process.ts'
import { services } from '../support/services.ts'
import { clientOf, consumeAll, produce } from './client.ts'

/** Stores to run on: a folder, and the services that the environment names. */
const stores: readonly { readonly name: string, readonly objects: (folder: string) => object }[] = [
  { name: 'a folder', objects: folder => ({ plugin: 'fs', path: path.join(folder, 'bucket') }) },
  ...services
]

/** A bucket and nothing else; uploads so small that trims and deletions happen too. */
const configuration = (objects: object): string => `
node:
  listeners: ['plaintext://127.0.0.1:0']
storage:
  wal: { plugin: object, capacity: 64MiB }
  objects: ${JSON.stringify(objects)}
  metadata: { plugin: object }
  uploadBytes: 1MiB
  streamObjectBytesMin: 64KiB
  deletionGraceMs: 100
  garbageIntervalMs: 200
log:
  level: warn
`

describe('a broker process that has a bucket and nothing else', () => {
  let folder: string
  let run: BrokerRun
  beforeEach(() => { folder = temporaryFolder() })
  afterEach(async () => {
    run.child.kill('SIGKILL')
    await run.ended
    fs.rmSync(folder, { recursive: true, force: true })
  })

  for (const { name: store, objects } of stores) it(`has everything that it acknowledged after each of several kills, on ${store}`, async function () {
    this.timeout(120_000)
    const file = path.join(folder, 'streambed.yaml')
    fs.writeFileSync(file, configuration(objects(folder)))
    const acknowledged: string[] = []
    const kills = 6
    for (let life = 0; life <= kills; life++) {
      run = startRun({}, ['-c', file])
      const broker = { address: { host: '127.0.0.1', port: await run.ready } }
      const client = clientOf(broker)
      try {
        if (life === 0) await client.createTopic('t', { partitions: 1, configs: {} })
        const found = await consumeAll(client, broker, 't')
        assert.deepEqual(found.filter(value => value.startsWith('sure')).map(value => value.slice(0, 12)), acknowledged)
        assert.equal(new Set(found).size, found.length, 'a record comes twice')
        if (life === kills) break
        for (let n = 0; n < 25; n++) {
          const name = `sure ${life} ${String(n).padStart(5, '0')}`
          await produce(client, broker, 't', [`${name}${'x'.repeat(n % 5 === 0 ? 300_000 : 100)}`])
          acknowledged.push(name)
        }
        // Killed while these are on their way: each may be there or not.
        const doubtful = Promise.allSettled(Array.from({ length: 5 }, (_, n) => produce(client, broker, 't', [`doubtful ${life} ${n}`])))
        await Promise.race([doubtful, new Promise(resolve => { setImmediate(resolve) })])
        run.child.kill('SIGKILL')
        await run.ended
        await doubtful
      } finally {
        await client.close()
      }
    }
    const isFolder = store === 'a folder'
    assert.deepEqual(fs.readdirSync(folder).sort(), isFolder ? ['bucket', 'streambed.yaml'] : ['streambed.yaml'])
    if (!isFolder) return
    const bucket = path.join(folder, 'bucket')
    const names = fs.readdirSync(bucket, { recursive: true, encoding: 'utf8' })
    assert.ok(names.some(name => name.includes('metadata/log')) && names.some(name => /wal\/[0-9a-f]{8}\/.*\/slots\//.test(name)), names.slice(0, 20).join(' '))
  })
})
