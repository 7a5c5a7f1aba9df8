import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { startRun, temporaryFolder, type BrokerRun } from '../support/broker-process.ts'
import { services } from '../support/services.ts'
import { clientOf, consumeAll, produce } from './client.ts'

interface Home { readonly wal: object, readonly store: string }

/** The n-th service that the environment names, or a folder where there are fewer. */
const service = (n: number): string => services[n]?.name ?? 'default'

/**
 * One life after the other, each killed. Every kind of WAL follows every other one; new objects go to another store each
 * time, and what the WAL of the life before holds has to come along.
 */
const lives: readonly Home[] = [
  { wal: { plugin: 'regional-disk', path: 'wal-disk', capacity: '8MiB' }, store: 'default' },
  { wal: { plugin: 'object' }, store: 'second' },
  { wal: { plugin: 'efs', path: 'wal-efs', capacity: '8MiB', segmentBytes: '1MiB' }, store: service(0) },
  { wal: { plugin: 'object', store: 'default' }, store: service(1) },
  { wal: { plugin: 'object' }, store: service(0) },
  { wal: { plugin: 'object', store: service(1) }, store: service(1) },
  ...services.slice(2).flatMap(({ name }) => [{ wal: { plugin: 'object' }, store: name }, { wal: { plugin: 'object', store: name }, store: 'second' }]),
  { wal: { plugin: 'regional-disk', path: 'wal-disk', capacity: '8MiB' }, store: 'default' },
  { wal: { plugin: 'efs', path: 'wal-efs-2', capacity: '8MiB', segmentBytes: '1MiB' }, store: 'second' },
  { wal: { plugin: 'regional-disk', path: 'wal-disk', capacity: '8MiB' }, store: 'second' }
]

describe('a broker process whose WAL and default store change between its lives', () => {
  let folder: string
  let run: BrokerRun
  beforeEach(() => { folder = temporaryFolder() })
  afterEach(async () => {
    run.child.kill('SIGKILL')
    await run.ended
    fs.rmSync(folder, { recursive: true, force: true })
  })

  it(`has everything that it acknowledged, after each move and kill${services.map(({ name }) => `, ${name} among the stores`).join('')}`, async function () {
    this.timeout(120_000)
    const at = (name: string): string => path.join(folder, name)
    const stores = {
      second: { plugin: 'fs', path: at('second') },
      ...Object.fromEntries(services.map(({ name, objects }) => [name, objects()]))
    }
    const acknowledged: string[] = []
    for (const [life, { store, wal }] of [...lives, lives[0]!].entries()) {
      const file = at('streambed.yaml')
      const placed = 'path' in wal ? { ...wal, path: at(String(wal.path)) } : wal
      fs.writeFileSync(file, JSON.stringify({
        node: { listeners: ['plaintext://127.0.0.1:0'] },
        storage: {
          wal: placed, objects: { plugin: 'fs', path: at('first') }, stores, defaultStore: store, metadata: { plugin: 'file', path: at('metadata') },
          uploadBytes: '1MiB', streamObjectBytesMin: '64KiB'
        },
        log: { level: 'warn' }
      }))
      run = startRun({}, ['-c', file])
      const broker = { address: { host: '127.0.0.1', port: await run.ready } }
      const client = clientOf(broker)
      try {
        if (life === 0) await client.createTopic('t', { partitions: 1, configs: {} })
        assert.deepEqual((await consumeAll(client, broker, 't')).map(value => value.replace(/x+$/, '')), acknowledged, `life ${life}`)
        for (let n = 0; n < 12; n++) {
          const name = `${life} ${String(n).padStart(4, '0')}`
          // Some of it is uploaded in this life, some waits in the WAL for the next.
          await produce(client, broker, 't', [`${name}${'x'.repeat(n % 4 === 0 ? 400_000 : 10)}`])
          acknowledged.push(name)
        }
        run.child.kill('SIGKILL')
        await run.ended
      } finally {
        await client.close()
      }
    }
    for (const kept of ['first', 'second']) assert.ok(fs.readdirSync(at(`${kept}/objects/objects`)).length > 0, `nothing was stored in ${kept}`)
  })
})
