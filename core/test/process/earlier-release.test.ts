import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { Kafka, logLevel } from 'kafkajs'
import { encodeBatch } from '../../src/protocol/index.ts'
import { temporaryFolder } from '../support/broker-process.ts'
import { clientOf, consumeAll } from './client.ts'

/**
 * What a broker of release 0.1 left behind, on folders: two lives, each of 40 idempotent batches (producer 7) to `t` and one commit of
 * group `g`; the first ended cleanly, the second as the file's name says. Every file, by its blocks of 4 KiB that are not all zeros.
 */
const fixtures = path.join(import.meta.dirname, '../fixtures/release-0.1')
const cli = path.join(import.meta.dirname, '../../src/cli/main.ts')

interface StoredFile { readonly path: string, readonly size: number, readonly chunks: readonly (readonly [number, string])[] }

function restore (fixture: string, folder: string): void {
  const files = JSON.parse(brotliDecompressSync(fs.readFileSync(path.join(fixtures, fixture))).toString()) as readonly StoredFile[]
  for (const { chunks, path: name, size } of files) {
    const file = path.join(folder, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    const handle = fs.openSync(file, 'w')
    fs.ftruncateSync(handle, size)
    for (const [at, block] of chunks) fs.writeSync(handle, Buffer.from(block, 'base64'), 0, undefined, at)
    fs.closeSync(handle)
  }
}

const expected = [0, 1].flatMap(life => Array.from({ length: 40 }, (_, n) => `${life}-${n}`.padEnd(n % 4 === 0 ? 120_000 : 10, '.')))

/** Runs a broker in `folder`, as its configuration says, while `use` does. */
async function during (folder: string, use: (address: { readonly host: string, readonly port: number }) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', cli, 'start', '-c', 'streambed.yaml'], {
    cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, STREAMBED_NODE__LISTENERS: '["plaintext://127.0.0.1:0"]' }
  })
  const ended = new Promise(resolve => { child.once('close', resolve) })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  try {
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        const match = /ready on 127\.0\.0\.1:(\d+)/.exec(chunk.toString())
        if (match !== null) resolve(Number(match[1]))
      })
      void ended.then(() => reject(new Error(errors)))
    })
    await use({ host: '127.0.0.1', port })
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

describe('a broker on what release 0.1 left behind', () => {
  for (const fixture of fs.readdirSync(fixtures)) {
    it(`${path.basename(fixture, '.json.br')}: has every record, commit and sequence, at the first start and at the second`, async () => {
      const folder = temporaryFolder()
      try {
        restore(fixture, folder)
        for (let start = 0; start < 2; start++) {
          await during(folder, async address => {
            const client = clientOf({ address })
            assert.deepEqual(await consumeAll(client, { address }, 't'), [...expected, ...Array.from({ length: start }, () => 'new')])
            const send = (baseSequence: number, value: string): Promise<number> =>
              client.produce(address, { topic: 't', partition: 0 }, encodeBatch([{ value: Buffer.from(value) }], { timestamp: 1, producerId: 7, producerEpoch: 0, baseSequence }))
            assert.equal(await send(79, '1-39......'), 79, 'a repeated batch is known')
            assert.equal(await send(80 + start, 'new'), 80 + start)
            await client.close()
            const admin = new Kafka({ brokers: [`127.0.0.1:${address.port}`], logLevel: logLevel.NOTHING }).admin()
            await admin.connect()
            assert.deepEqual((await admin.fetchOffsets({ groupId: 'g', topics: ['t'] }))[0]!.partitions.map(({ offset }) => offset), ['11'])
            await admin.disconnect()
          })
        }
      } finally {
        fs.rmSync(folder, { recursive: true, force: true })
      }
    })
  }
})
