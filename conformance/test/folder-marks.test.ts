// Consoles and other clients leave marks of folders in a bucket, and accounts of Azure with a hierarchical namespace list their folders: logs that have
// their places there open all the same, and go on refusing what is no mark.
import assert from 'node:assert/strict'
import { StreambedError, type Environment, type ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { ObjectMetadataLog } from '../../plugins/metadata-object/src/metadata-log.ts'
import { defaultOptions as metadataOptions } from '../../plugins/metadata-object/src/options.ts'
import azureBlob from '../../plugins/object-store-azure-blob/src/index.ts'
import { optionsSchema as azureOptions } from '../../plugins/object-store-azure-blob/src/options.ts'
import { FakeAzure } from '../../plugins/object-store-azure-blob/test/fake-azure.ts'
import s3 from '../../plugins/object-store-s3/src/index.ts'
import { optionsSchema as s3Options } from '../../plugins/object-store-s3/src/options.ts'
import { FakeS3 } from '../../plugins/object-store-s3/test/fake-s3.ts'
import { ObjectWal } from '../../plugins/wal-object/src/object-wal.ts'
import { defaultOptions as walOptions } from '../../plugins/wal-object/src/options.ts'

interface Place {
  readonly open: () => Promise<ObjectStore>
  /** Leaves a mark of a folder, whose name is given without a `/` at its end. */
  readonly mark: (folder: string) => void
  readonly put: (name: string, bytes: Buffer) => void
  readonly objects: ReadonlyMap<string, unknown>
  readonly stop: () => Promise<void>
}

const places: readonly { readonly name: string, readonly start: (environment: Environment) => Promise<Place> }[] = [
  {
    name: 'marks of a console, on S3',
    start: async environment => {
      const fake = await FakeS3.start()
      return {
        open: async () => await s3.open(s3Options.parse({ bucket: fake.bucket, endpoint: fake.endpoint, pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b' }), environment),
        mark: folder => { fake.put(`${folder}/`, Buffer.alloc(0)) },
        put: (name, bytes) => { fake.put(name, bytes) },
        objects: fake.objects,
        stop: async () => { await fake.stop() }
      }
    }
  },
  {
    name: 'folders of a hierarchical namespace, on Azure',
    start: async environment => {
      const fake = await FakeAzure.start()
      return {
        open: async () => await azureBlob.open(azureOptions.parse({ container: fake.container, account: fake.account, endpoint: fake.endpoint, accountKey: 'a2V5' }), environment),
        mark: folder => { fake.put(folder, Buffer.alloc(0), { hdi_isfolder: 'true' }) },
        put: (name, bytes) => { fake.put(name, bytes) },
        objects: fake.objects,
        stop: async () => { await fake.stop() }
      }
    }
  }
]

for (const { name, start } of places) {
  describe(name, () => {
    const environment = nodeEnvironment()
    let place: Place
    let store: ObjectStore
    beforeEach(async () => {
      place = await start(environment)
      store = await place.open()
    })
    afterEach(async () => {
      await store.close()
      await place.stop()
    })

    /** Each folder that an object is in, and those beside that stand empty. */
    const markAll = (...more: readonly string[]): void => {
      const folders = [...place.objects.keys()].flatMap(key => key.split('/').slice(0, -1).map((_, depth, segments) => segments.slice(0, depth + 1).join('/')))
      for (const folder of new Set([...folders, ...more])) place.mark(folder)
    }

    it('do not keep a metadata log from opening, before it is founded and after', async () => {
      const open = async (): Promise<ObjectMetadataLog> => await ObjectMetadataLog.open(metadataOptions, environment, store)
      markAll('metadata', 'metadata/log')
      const first = await open()
      await first.append(0, [Buffer.from('entry')])
      await first.close()
      markAll('metadata/log', 'metadata/snapshots', 'metadata/log/zz')
      const second = await open()
      const { end, entries } = await second.read(0)
      assert.deepEqual([end, entries.map(entry => Buffer.from(entry).toString())], [1, ['entry']])
      await second.close()
      place.put('metadata/log/something', Buffer.from('else'))
      await assert.rejects(open(), error => StreambedError.is(error, 'MISCONFIGURED'))
    })

    it('do not keep a WAL from opening, before its first record and after', async () => {
      const open = async (writerEpoch: number): Promise<ObjectWal> => await ObjectWal.open(walOptions, environment, { objectStore: store, writer: { clusterId: 'cluster', nodeId: 1, writerEpoch } })
      markAll('wal', 'wal/1')
      const first = await open(1)
      await first.append([Buffer.from('record')])
      await first.close()
      markAll('wal')
      const second = await open(2)
      const records: string[] = []
      for await (const { data } of second.recover()) records.push(Buffer.from(data).toString())
      assert.deepEqual(records, ['record'])
      await second.close()
    })
  })
}
