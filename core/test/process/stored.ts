import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { BrokerError } from '../../src/client/kafka-client.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { clientOf, consumeAll, produce } from './client.ts'

/** A ring that a test can read whole. */
export const small = { STREAMBED_STORAGE__WAL__CAPACITY: '16MiB' }

/** Small uploads; each topic of a test gets objects of its own. */
export const uploading = {
  ...small,
  STREAMBED_STORAGE__UPLOAD_BYTES: '1MiB',
  STREAMBED_STORAGE__STREAM_OBJECT_BYTES_MIN: '64KiB',
  STREAMBED_STORAGE__BLOCK_BYTES: '64KiB',
  STREAMBED_STORAGE__DELETION_GRACE_MS: '600000'
}

/** All files below `folder`. */
export function filesOf (folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => path.join(entry.parentPath, entry.name))
}

/** The file that holds `text`, and where. */
export function find (folder: string, text: string): { readonly file: string, readonly at: number } {
  for (const file of filesOf(folder)) {
    const at = fs.readFileSync(file).indexOf(text)
    if (at >= 0) return { file, at }
  }
  return assert.fail(`no file of ${folder} holds ${text}`)
}

/** Starts again: it must refuse. Gives what it says. */
export async function refusal (broker: BrokerProcess): Promise<string> {
  const run = broker.launch()
  const outcome = await Promise.race([run.ended, run.ready.then(() => 'ready', () => run.ended)])
  assert.deepEqual(outcome, { code: 1, signal: null }, run.stderr)
  assert.doesNotMatch(run.stderr, /\n\s+at /, 'a stack is no help to an operator')
  return run.stderr
}

export async function holds (broker: BrokerProcess, topic: string, values: readonly string[]): Promise<void> {
  await using client = clientOf(broker)
  assert.deepEqual(await consumeAll(client, broker, topic), values)
}

export async function fetchCode (broker: BrokerProcess, topic: string, offset: number): Promise<number> {
  await using client = clientOf(broker)
  try {
    await client.fetch(broker.address, { topic, partition: 0 }, offset, 0)
    return KafkaErrorCode.NONE
  } catch (error) {
    if (error instanceof BrokerError) return error.kafkaCode
    throw error
  }
}

/** A broker, killed, with three records of the topic `t` in its WAL. */
export async function withRecords (broker: BrokerProcess): Promise<void> {
  await using client = clientOf(broker)
  await client.createTopic('t', { partitions: 1, configs: {} })
  await produce(client, broker, 't', ['first-record', 'second-record', 'third-record'])
  await broker.kill()
}

/** Resolves once an object holds `text`. Whoever waits produces nothing: the broker uploads what is old enough by itself. */
export async function uploaded (broker: BrokerProcess, text: string): Promise<void> {
  const objects = path.join(broker.folder, 'objects', 'objects')
  while (!fs.existsSync(objects) || !filesOf(objects).some(file => fs.existsSync(file) && fs.readFileSync(file).includes(text))) await new Promise(resolve => { setImmediate(resolve) })
}
