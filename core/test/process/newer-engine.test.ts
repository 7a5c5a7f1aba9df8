import type { MetadataLog, ObjectStore, Wal } from '@streambed/sdk'
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { loadBackends } from '../../src/main/backends.ts'
import { loadConfig } from '../../src/main/config/load-config.ts'
import { inspect } from '../../src/main/inspect.ts'
import { nodeHost } from '../../src/main/node-host.ts'
import { openStores } from '../../src/main/object-stores.ts'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { footerBytes } from '../../src/storage/object/object-format.ts'
import { encodeWalRecord } from '../../src/storage/wal/wal-record.ts'
import { BrokerProcess, folderSettings } from '../support/broker-process.ts'
import { clientOf, produce } from './client.ts'
import { fetchCode, holds, refusal, small, uploaded, uploading, withRecords } from './stored.ts'

const host = nodeHost({ logLevel: 'error' })
const newerVersion = 9
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const configOf = (broker: BrokerProcess): ReturnType<typeof loadConfig> => loadConfig({ environment: { ...folderSettings(broker.folder), ...broker.settings } })

/** The storage of a stopped broker, as another program opens it. */
async function withWal (broker: BrokerProcess, use: (wal: Wal) => Promise<void>): Promise<void> {
  await using inspection = await inspect(await configOf(broker), host)
  await use(await inspection.openWal())
}
async function withMetadata (broker: BrokerProcess, use: (log: MetadataLog) => Promise<void>): Promise<void> {
  const { metadata } = await loadBackends(await configOf(broker))
  await using log = await metadata.plugin.open(metadata.options, host.environment, {})
  await use(log)
}
async function withObjects (broker: BrokerProcess, use: (store: ObjectStore) => Promise<void>): Promise<void> {
  await using opened = new AsyncDisposableStack()
  for (const store of (await openStores(await loadBackends(await configOf(broker)), host.environment, opened)).values()) await use(store)
}

async function walRecords (wal: Wal): Promise<Buffer[]> {
  const records: Buffer[] = []
  for await (const { data } of wal.recover()) records.push(Buffer.from(data))
  return records
}

async function entriesOf (log: MetadataLog): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  for (let end = 1; entries.length < end;) {
    const page = await log.read(entries.length)
    entries.push(...page.entries)
    end = page.end
  }
  return entries
}

/** What a newer program leaves in a sound backend; a broker refuses it, changes nothing, and runs again without it. */
interface Newer {
  readonly what: string
  readonly write: (broker: BrokerProcess) => Promise<void>
  readonly says: RegExp
  readonly isKept: (broker: BrokerProcess) => Promise<boolean>
}

function newerEntry (what: string, entry: { readonly version: number, readonly records: readonly unknown[] }, says: RegExp): Newer {
  let at = 0
  return {
    what,
    says,
    write: broker => withMetadata(broker, async log => {
      at = (await log.read(0)).end
      await log.append(at, [encode(entry)])
    }),
    isKept: async broker => {
      let isKept = false
      await withMetadata(broker, async log => { isKept = Buffer.from((await entriesOf(log))[at] ?? []).equals(encode(entry)) })
      return isKept
    }
  }
}

const newerSnapshot = encode(`${JSON.stringify({ version: newerVersion, rows: 0 })}\n`)

const newer: readonly Newer[] = [
  {
    what: 'a WAL record',
    says: /WAL record format is newer.*version=9 supported<=2; start a newer Streambed/,
    write: broker => withWal(broker, async wal => {
      await walRecords(wal)
      const [header, payload] = encodeWalRecord({ streamId: 1, streamEpoch: 0, catalogPosition: 0 }, { baseOffset: 0, count: 1, largestTimestamp: 0, bytes: encode('what a newer program wrote') }) as [Uint8Array, Uint8Array]
      header[0] = newerVersion
      await wal.append([header, payload])
    }),
    isKept: async broker => {
      let records: Buffer[] = []
      await withWal(broker, async wal => { records = await walRecords(wal) })
      return ['first-record', 'second-record', 'third-record', 'what a newer program wrote'].every(text => records.some(record => record.includes(text)))
    }
  },
  newerEntry('a metadata entry', { version: newerVersion, records: [] }, /metadata entry is of another version. position=\d+ version=9 supported=1; start a newer Streambed/),
  newerEntry('a metadata record', { version: 1, records: [{ type: 'ofTheFuture' }] }, /metadata record is of a type that this program does not know. position=\d+ type=ofTheFuture; start a newer Streambed/),
  {
    what: 'a metadata snapshot',
    says: /metadata snapshot is of another version. version=9 supported<=2; start a newer Streambed/,
    write: broker => withMetadata(broker, async log => { await log.writeSnapshot((await log.read(0)).end, newerSnapshot) }),
    isKept: async broker => {
      let isKept = false
      await withMetadata(broker, async log => { isKept = Buffer.from((await log.latestSnapshot())?.state ?? []).equals(newerSnapshot) })
      return isKept
    }
  }
]

describe("a broker process that finds the engine's formats of a newer program", () => {
  for (const { isKept, says, what, write } of newer) {
    it(`${what}: refuses, names it and the versions, and leaves it as it is`, async () => {
      await using broker = await BrokerProcess.start({ settings: small })
      await withRecords(broker)
      const copy = `${broker.folder}-before`
      fs.cpSync(broker.folder, copy, { recursive: true })
      try {
        await write(broker)
        assert.match(await refusal(broker), says)
        assert.ok(await isKept(broker), 'it was lost')
        fs.rmSync(broker.folder, { recursive: true })
        fs.cpSync(copy, broker.folder, { recursive: true })
        await broker.restart()
        await holds(broker, 't', ['first-record', 'second-record', 'third-record'])
      } finally {
        fs.rmSync(copy, { recursive: true, force: true })
      }
    })
  }

  it('the footer of an object: its readers are told, the log names it and the versions, and all else goes on', async () => {
    await using broker = await BrokerProcess.start({ settings: uploading })
    {
      await using client = clientOf(broker)
      for (const topic of ['new', 'known']) await client.createTopic(topic, { partitions: 1, configs: {} })
      await produce(client, broker, 'new', Array.from({ length: 12 }, (_, index) => `new-${index};`.padEnd(200_000, '.')))
      await produce(client, broker, 'known', ['a', 'b'])
    }
    await uploaded(broker, 'new-1;')
    assert.deepEqual(await broker.end('SIGTERM'), { code: 0, signal: null })
    await withObjects(broker, async store => {
      for (const { key } of (await store.list('objects/')).objects) {
        const bytes = Buffer.from(await store.get(key))
        if (!bytes.includes('new-1;')) continue
        const footer = bytes.subarray(-footerBytes)
        footer.writeUInt16BE(newerVersion, 36)
        footer.writeUInt32BE(crc32c(footer.subarray(0, 40)), 40)
        await store.put(key, [bytes])
      }
    })
    await broker.restart()
    assert.equal(await fetchCode(broker, 'new', 1), KafkaErrorCode.KAFKA_STORAGE_ERROR)
    await holds(broker, 'known', ['a', 'b'])
    const [line] = broker.run.stderr.split('\n').filter(text => text.includes('an object cannot be read'))
    assert.match(line ?? broker.run.stderr, /ERROR.*object format is newer.*version=9 supported<=1.*start a newer Streambed/)
  })
})
