import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { StreambedError } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { loadConfig } from '../../src/main/config/load-config.ts'
import { loadBackends } from '../../src/main/backends.ts'
import { storeNameFor } from '../../src/main/object-stores.ts'
import { openBroker } from '../../src/main/open-broker.ts'
import { MemoryNetwork } from '../support/memory-network.ts'

describe('main: several object stores', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(path.join(tmpdir(), 'stores-')) })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  const common = (): string => `  wal: { plugin: regional-disk, path: ${folder}/wal, capacity: 8MiB }\n  metadata: { plugin: file, path: ${folder}/metadata }\n`
  const config = async (storage: string, environment: Record<string, string> = {}) => {
    const file = path.join(folder, 'streambed.yaml')
    await writeFile(file, `storage:\n${storage}`)
    return await loadConfig({ file, environment })
  }
  /** Opens a broker on `storage`, runs `use` on it, closes it. */
  const during = async <T>(storage: string, use: (broker: Awaited<ReturnType<typeof openBroker>>) => Promise<T>): Promise<T> => {
    const environment = nodeEnvironment()
    const network = new MemoryNetwork({ clock: environment.clock, latencyMs: () => 0 })
    await using broker = await openBroker(await config(common() + storage), { environment, network })
    return await use(broker)
  }
  const refused = async (pending: Promise<unknown>, pattern: RegExp): Promise<void> => {
    await assert.rejects(pending, error => {
      assert.ok(StreambedError.is(error, 'MISCONFIGURED'), String(error))
      assert.match(error.message, pattern)
      return true
    })
  }

  it('storage.objects is the store named default; others join it, and one of them may take new objects', async () => {
    const { storage } = await config('  objects: { plugin: fs, path: a }\n  stores: { other: { plugin: fs, path: b } }\n  defaultStore: other\n')
    assert.deepEqual(storage.stores, { default: { plugin: 'fs', options: { path: 'a' } }, other: { plugin: 'fs', options: { path: 'b' } } })
    assert.equal(storage.engine.store, 'other')
    assert.deepEqual(Object.keys((await config('  stores: { only: { plugin: fs, path: b } }\n')).storage.stores), ['only'])
    assert.deepEqual(Object.keys((await config('  uploadBytes: 1MiB\n')).storage.stores), ['default'])
  })

  it('refuses names that lead nowhere, and a choice that nobody made', async () => {
    await refused(config('  objects: { plugin: fs, path: a }\n  defaultStore: missing\n'), /storage\.defaultStore: expected one of default, got 'missing'/)
    await refused(config('  stores: { a: { plugin: fs, path: a }, b: { plugin: fs, path: b } }\n'), /storage\.defaultStore must say .* one of a, b/)
    await refused(config('  objects: { plugin: fs, path: a }\n  stores: { default: { plugin: fs, path: b } }\n'), /are the same store/)
    await refused(config('  stores: { "no good": { plugin: fs, path: b } }\n'), /storage\.stores/)
    await refused(loadBackends(await config('  wal: { plugin: regional-disk, path: w, store: default }\n')), /storage\.wal\.store: .* lives in no object store/)
  })

  it('a WAL follows the default store; a metadata log among several stores must say where it is', async () => {
    const loaded = await config('  objects: { plugin: fs, path: a }\n  stores: { other: { plugin: fs, path: b } }\n  defaultStore: other\n  wal: { plugin: object }\n  metadata: { plugin: object }\n')
    assert.equal(storeNameFor('wal', loaded.storage.wal, loaded), 'other')
    assert.throws(() => storeNameFor('metadata', loaded.storage.metadata, loaded), /storage\.metadata\.store must name the store/)
    assert.throws(() => storeNameFor('wal', { plugin: 'object', options: {}, store: 'x' }, loaded), /expected one of default, other, got 'x'/)
  })

  it('a secret is given by reference: a variable or a file; one that leads nowhere is named', async () => {
    await writeFile(path.join(folder, 'secret'), 'from-file\n')
    const s3 = (secret: string): string => `  objects: { plugin: s3, bucket: bucket, region: r, accessKeyId: { env: KEY_ID }, secretAccessKey: ${secret} }\n`
    const { stores } = await loadBackends(await config(s3('{ file: secret }'), { KEY_ID: 'from-env' }))
    const { accessKeyId, secretAccessKey } = stores.get('default')!.options as Record<string, string>
    assert.deepEqual({ accessKeyId, secretAccessKey }, { accessKeyId: 'from-env', secretAccessKey: 'from-file' })
    await refused(loadBackends(await config(s3('{ file: secret }'))), /storage\.objects\.accessKeyId refers to the environment variable KEY_ID, which is not set/)
    await refused(loadBackends(await config(s3('{ file: missing }'), { KEY_ID: 'k' })), /storage\.objects\.secretAccessKey refers to a file that cannot be read/)
  })

  it('new objects go to the store that is the default now, old ones stay readable where they are', async () => {
    const a = `  objects: { plugin: fs, path: ${folder}/a }\n`
    const b = `  stores: { b: { plugin: fs, path: ${folder}/b } }\n`
    const append = async (broker: Awaited<ReturnType<typeof openBroker>>, offset: number): Promise<void> => {
      if (offset === 0) {
        await broker.metadata.propose(() => ({ records: [{ type: 'topicCreated', topicId: 'T', name: 't', partitionCount: 1, ownerNodeId: 1, firstStreamId: broker.metadata.image.nextStreamId, configs: {} }], result: undefined }))
      }
      const stream = broker.engine.stream(dataStream(broker))
      await stream.append({ baseOffset: offset, count: 1, bytes: Buffer.from(`batch ${offset}`), largestTimestamp: -1 }).durable
      await broker.engine.flush()
    }
    const dataStream = (broker: Awaited<ReturnType<typeof openBroker>>): number => broker.metadata.image.topic('T')!.partitions[0]!.dataStreamId
    await during(a, broker => append(broker, 0))
    await during(`${a}${b}  defaultStore: b\n`, broker => append(broker, 1))
    await during(`${a}${b}  defaultStore: default\n`, broker => append(broker, 2))
    await during(`${a}${b}  defaultStore: b\n`, async broker => {
      const stores = [...broker.metadata.image.tables.objects.values()].map(({ store }) => store)
      assert.deepEqual(new Set(stores), new Set(['default', 'b']))
      const read: string[] = []
      for (let offset = 0; offset < 3;) {
        const { batches } = await broker.engine.stream(dataStream(broker)).fetch(offset, { bytesMax: 1_000_000, endOffset: 3, atLeastOneBatch: true })
        for (const batch of batches) read.push(Buffer.from(batch.bytes).toString())
        offset += batches.length
      }
      assert.deepEqual(read, ['batch 0', 'batch 1', 'batch 2'])
    })
    await refused(during(`  stores: { b: { plugin: fs, path: ${folder}/b } }\n`, async () => {}), /not configured: default/)
    await refused(during(`  objects: { plugin: fs, path: ${folder}/elsewhere }\n${b}`, async () => {}), /'default' holds nothing of this cluster/)
    await refused(during(`  objects: { plugin: fs, path: ${folder}/b }\n  stores: { b: { plugin: fs, path: ${folder}/a } }\n`, async () => {}), /knows as/)
  })

  it("refuses another cluster's store", async () => {
    await during(`  objects: { plugin: fs, path: ${folder}/a }\n`, async () => {})
    await rm(path.join(folder, 'metadata'), { recursive: true })
    await rm(path.join(folder, 'wal'), { recursive: true })
    await refused(during(`  objects: { plugin: fs, path: ${folder}/a }\n`, async () => {}), /belongs to another cluster/)
  })
})
