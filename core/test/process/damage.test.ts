import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { clientOf, produce } from './client.ts'
import { fetchCode, filesOf, find, holds, refusal, small, uploaded, uploading, withRecords } from './stored.ts'

/** Changes a file in place; gives a function that puts it back as it was. */
function change (file: string, edit: (bytes: Buffer) => void): () => void {
  const before = fs.readFileSync(file)
  const bytes = Buffer.from(before)
  edit(bytes)
  fs.writeFileSync(file, bytes)
  return () => fs.writeFileSync(file, before)
}

function flip (file: string, at: number): () => void { return change(file, bytes => { bytes[at]! ^= 0x01 }) }

/** A file of `folder` whose bytes begin with `magic`. */
function withMagic (folder: string, magic: string): string {
  return filesOf(folder).find(file => fs.readFileSync(file).subarray(0, magic.length).equals(Buffer.from(magic))) ?? assert.fail(`no file begins with ${magic}`)
}

describe('a broker process whose files are damaged', () => {
  it('in the WAL, before the last record: refuses, names file, position and remedy, and leaves all as it is', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await withRecords(broker)
    const { at, file } = find(path.join(broker.folder, 'wal'), 'second-record')
    const mend = flip(file, at)
    const damaged = fs.readFileSync(file)
    const message = await refusal(broker)
    assert.ok(message.includes(file), message)
    assert.match(message, /damaged.*Restore the file.*position=\d+/s)
    assert.ok(fs.readFileSync(file).equals(damaged), 'the evidence was changed')
    mend()
    await broker.restart()
    await holds(broker, 't', ['first-record', 'second-record', 'third-record'])
  })

  it('in an object: readers of it are told, the log names object and remedy once, and all else goes on', async () => {
    await using broker = await BrokerProcess.start({ settings: uploading })
    const values = Array.from({ length: 12 }, (_, index) => `${index};`.padEnd(200_000, '.'))
    {
      await using client = clientOf(broker)
      for (const topic of ['hurt', 'sound']) {
        await client.createTopic(topic, { partitions: 1, configs: {} })
        await produce(client, broker, topic, values.map(value => `${topic}-${value}`))
      }
    }
    const whole = (topic: string): string[] => values.map(value => `${topic}-${value}`)
    await uploaded(broker, 'hurt-3;')
    assert.deepEqual(await broker.end('SIGTERM'), { code: 0, signal: null })
    const { at, file } = find(path.join(broker.folder, 'objects'), 'hurt-3;')
    const mend = flip(file, at + 100)
    await broker.restart()
    assert.equal(await fetchCode(broker, 'hurt', 3), KafkaErrorCode.CORRUPT_MESSAGE)
    assert.equal(await fetchCode(broker, 'hurt', 3), KafkaErrorCode.CORRUPT_MESSAGE)
    assert.equal(await fetchCode(broker, 'hurt', 0), KafkaErrorCode.NONE, 'blocks that are sound are served')
    assert.equal(await fetchCode(broker, 'hurt', 11), KafkaErrorCode.NONE)
    await holds(broker, 'sound', whole('sound'))
    {
      await using client = clientOf(broker)
      await produce(client, broker, 'hurt', ['more'])
      await produce(client, broker, 'sound', ['more'])
    }
    const lines = broker.run.stderr.split('\n').filter(line => line.includes('an object cannot be read'))
    assert.equal(lines.length, 1, broker.run.stderr)
    assert.match(lines[0]!, /ERROR.*object=.*restore the object/)
    mend()
    await holds(broker, 'hurt', [...whole('hurt'), 'more'])
    await holds(broker, 'sound', [...whole('sound'), 'more'])
    assert.deepEqual(await broker.end('SIGTERM'), { code: 0, signal: null })
  })

  const newer: ReadonlyArray<{ readonly what: string, readonly magic: string, readonly folder: 'wal' | 'metadata', readonly known: number, readonly edit: (bytes: Buffer) => void }> = [
    { what: "the WAL's epoch record", folder: 'wal', magic: 'SBWEPOCH', known: 3, edit: bytes => { for (const slot of [0, 4_096]) newerSlot(bytes, slot) } },
    { what: "the WAL's ring", folder: 'wal', magic: 'SBWRING1', known: 3, edit: bytes => { for (const slot of [0, 4_096]) newerSlot(bytes, slot) } },
    { what: 'the metadata log', folder: 'metadata', magic: 'SBML', known: 1, edit: bytes => { seal(bytes, { version: 4, crc: 28 }) } }
  ]
  for (const { edit, folder, known, magic, what } of newer) {
    it(`with ${what} in a newer format: refuses, names file and versions, and runs again with the old`, async () => {
      await using broker = await BrokerProcess.start({ settings: small })
      await withRecords(broker)
      const file = withMagic(path.join(broker.folder, folder), magic)
      const restore = change(file, edit)
      const message = await refusal(broker)
      assert.ok(message.includes(path.dirname(file)), message)
      assert.match(message, /newer|format/)
      assert.match(message, new RegExp(`\\b9\\b.*\\b${known}\\b|\\b${known}\\b.*\\b9\\b`))
      restore()
      await broker.restart()
      await holds(broker, 't', ['first-record', 'second-record', 'third-record'])
    })
  }

  it('with a metadata snapshot in a newer format: refuses, names file and versions, and runs again with the old', async () => {
    await using broker = await BrokerProcess.start({ settings: small })
    await withRecords(broker)
    // Beside the log, as a newer program would have left it, at the position where the log begins.
    const file = path.join(broker.folder, 'metadata', `snapshot-${'0'.repeat(16)}`)
    const bytes = Buffer.alloc(40)
    bytes.write('SBMS')
    seal(bytes, { version: 4, crc: 36 })
    fs.writeFileSync(file, bytes)
    const message = await refusal(broker)
    assert.ok(message.includes(file), message)
    assert.match(message, /format 9.*reads 1: use a newer program/)
    fs.rmSync(file)
    await broker.restart()
    await holds(broker, 't', ['first-record', 'second-record', 'third-record'])
  })

  it('with an object in a newer format: its readers are told, the log names it and the versions, and all else goes on', async () => {
    await using broker = await BrokerProcess.start({ settings: uploading })
    const values = Array.from({ length: 12 }, (_, index) => `new-${index};`.padEnd(200_000, '.'))
    {
      await using client = clientOf(broker)
      for (const topic of ['new', 'known']) await client.createTopic(topic, { partitions: 1, configs: {} })
      await produce(client, broker, 'new', values)
      await produce(client, broker, 'known', ['a', 'b'])
    }
    await uploaded(broker, 'new-1;')
    assert.deepEqual(await broker.end('SIGTERM'), { code: 0, signal: null })
    const { file } = find(path.join(broker.folder, 'objects'), 'new-1;')
    const restore = change(file, bytes => { seal(bytes, { version: 4, crc: 60 }) })
    await broker.restart()
    assert.equal(await fetchCode(broker, 'new', 1), KafkaErrorCode.KAFKA_STORAGE_ERROR)
    await holds(broker, 'known', ['a', 'b'])
    const [line] = broker.run.stderr.split('\n').filter(text => text.includes('an object cannot be read'))
    assert.match(line ?? broker.run.stderr, /ERROR.*9.*1.*newer/)
    restore()
    await holds(broker, 'new', values)
  })
})

const newerVersion = 9

/** Writes a newer version into a big-endian header, and its checksum anew. */
function seal (bytes: Buffer, at: { readonly version: number, readonly crc: number }): void {
  bytes.writeUInt16BE(newerVersion, at.version)
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, at.crc)), at.crc)
}

/** The same in a slot of the WAL, which is little-endian. */
function newerSlot (bytes: Buffer, slot: number): void {
  if (bytes.subarray(slot, slot + 3).every(byte => byte === 0)) return
  bytes.writeUInt16LE(newerVersion, slot + 8)
  bytes.writeUInt32LE(crc32c(bytes.subarray(slot, slot + 508)), slot + 508)
}
