import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import kafkajs, { type Kafka } from 'kafkajs'

const cli = path.join(path.dirname(fileURLToPath(import.meta.resolve('@streambed/core'))), '../cli/main.ts')

/** Runs `use` on a broker process with `storage`, then stops it in order. Rejects with what it said when it does not serve. */
export async function withBroker (storage: object, use: (bootstrap: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'broker-'))
  const file = path.join(folder, 'streambed.json')
  await writeFile(file, JSON.stringify({ node: { listeners: ['plaintext://127.0.0.1:0'] }, storage, kafka: { 'group.initial.rebalance.delay.ms': 0 }, log: { level: 'warn' } }))
  const broker = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', cli, 'start', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  broker.stderr.on('data', (bytes: Buffer) => { errors = (errors + bytes.toString()).slice(-100_000) })
  const ended = once(broker, 'close')
  try {
    const port = await Promise.race([
      (async () => {
        for await (const line of createInterface({ input: broker.stdout })) {
          const match = /ready on 127\.0\.0\.1:(\d+)/.exec(line)
          if (match !== null) return match[1]
        }
        return undefined
      })(),
      ended.then(() => undefined)
    ])
    if (port === undefined) throw new Error(`the broker did not serve. stderr=${errors}`)
    await use(`127.0.0.1:${port}`)
  } finally {
    broker.stdout.resume()
    broker.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true })
  }
}

export async function produced (bootstrap: string, topic: string, values: readonly string[]): Promise<void> {
  const kafka = clientOf(bootstrap)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  for (const value of values) await producer.send({ topic, messages: [{ value }] })
  await producer.disconnect()
}

/** The first `count` values of `topic`, once they are there. */
export async function consumed (bootstrap: string, topic: string, count: number): Promise<readonly string[]> {
  const consumer = clientOf(bootstrap).consumer({ groupId: 'reader', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((resolve, reject) => {
    consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value!.toString())
        if (values.length === count) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  return values
}

function clientOf (bootstrap: string): Kafka { return new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING }) }
