// Takeovers under load: a broker is stopped (SIGSTOP), another process of the same node takes over, the first is continued and has to end.
// Producers of other makes go on meanwhile, plain ones that never send twice and idempotent ones. In the end nothing that was acknowledged
// is missing, nothing is there twice, and once the topics are deleted the bucket is empty.
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import net from 'node:net'
import readline from 'node:readline'
import { KafkaClient } from '../../core/src/client/kafka-client.ts'
import { batches } from '../../core/src/protocol/records/batches.ts'
import { nextOffset } from '../../core/src/protocol/records/batch-header.ts'
import { decodeRecords } from '../../core/src/protocol/records/decode-records.ts'
import { nodeNetwork } from '../../core/src/runtime/node-network.ts'

const root = path.dirname(path.dirname(import.meta.dirname))
const cli = path.join(root, 'core/src/cli/main.ts')
const recordsBytesMax = 2 ** 24
const patienceMs = 60_000

/** A way to start `producer.py`, or one that behaves as it does. */
export interface ProducerKind { readonly name: string, readonly command: readonly string[] }
export interface TakeoverResult { readonly rounds: number, readonly acknowledged: number, readonly failed: number, readonly codes: Readonly<Record<string, number>> }

export const walKinds: Readonly<Record<string, (folder: string) => object>> = {
  'regional-disk': folder => ({ plugin: 'regional-disk', path: path.join(folder, 'wal'), capacity: '16MiB' }),
  efs: folder => ({ plugin: 'efs', path: path.join(folder, 'wal'), capacity: '16MiB', segmentBytes: '4MiB' }),
  object: () => ({ plugin: 'object' })
}

class Broker {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  readonly ended: Promise<number | null>
  stderr = ''

  readonly port: Promise<number>

  /** `advertised`: what clients are told, a port on this host. */
  constructor (file: string, advertised: number) {
    const { promise, resolve: tell } = Promise.withResolvers<number>()
    this.port = promise
    this.child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', cli, 'start', '-c', file], {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, STREAMBED_NODE__LISTENERS: '["plaintext://127.0.0.1:0"]', STREAMBED_NODE__ADVERTISED: `plaintext://127.0.0.1:${advertised}` }
    })
    this.child.stderr!.on('data', (chunk: Buffer) => { this.stderr = (this.stderr + chunk.toString()).slice(-20_000) })
    this.ended = new Promise(resolve => { this.child.once('close', resolve) })
    this.ready = new Promise((resolve, reject) => {
      this.child.stdout!.on('data', (chunk: Buffer) => {
        const match = /ready on 127\.0\.0\.1:(\d+)/.exec(chunk.toString())
        if (match === null) return
        tell(Number(match[1]))
        resolve()
      })
      void this.ended.then(() => reject(new Error(`the broker ended before it was ready\n${this.stderr}`)))
    })
    this.ready.catch(() => undefined)
  }
}

/** One address for whichever broker serves: new connections go to it, those of the one that stands still stay there. */
class Door implements AsyncDisposable {
  readonly port: number
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #target = 0

  static async open (): Promise<Door> {
    const server = net.createServer()
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
    return new Door(server)
  }

  private constructor (server: net.Server) {
    this.#server = server
    this.port = (server.address() as net.AddressInfo).port
    server.on('connection', client => {
      const broker = net.connect(this.#target, '127.0.0.1')
      for (const [from, to] of [[client, broker], [broker, client]] as const) {
        this.#sockets.add(from)
        from.pipe(to)
        from.on('error', () => to.destroy())
        from.on('close', () => { to.destroy(); this.#sockets.delete(from) })
      }
    })
  }

  leadTo (port: number): void { this.#target = port }

  async [Symbol.asyncDispose] (): Promise<void> {
    const closed = new Promise(resolve => { this.#server.close(resolve) })
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

/** Resolves with `text` after a time in which everything here must have gone on. */
function late (text: string): Promise<string> { return new Promise(resolve => { setTimeout(() => resolve(text), patienceMs).unref() }) }

class Producer {
  readonly topic: string
  readonly isIdempotent: boolean
  readonly acknowledged = new Set<number>()
  readonly codes: Record<string, number> = {}
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #errors = ''
  #onAcknowledged: (() => void) | undefined

  constructor (kind: ProducerKind, mode: 'plain' | 'idempotent', bootstrap: string) {
    this.topic = `${kind.name}-${mode}`
    this.isIdempotent = mode === 'idempotent'
    const [program, ...args] = kind.command as [string, ...string[]]
    this.#child = spawn(program, [...args, bootstrap, this.topic, mode], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr!.on('data', (chunk: Buffer) => { this.#errors = (this.#errors + chunk.toString()).slice(-4_000) })
    this.#ended = new Promise(resolve => { this.#child.once('close', resolve) })
    readline.createInterface({ input: this.#child.stdout! }).on('line', line => {
      const [outcome, number, code] = line.split(' ')
      if (outcome === 'failed') this.codes[code!] = (this.codes[code!] ?? 0) + 1
      if (outcome !== 'ok') return
      this.acknowledged.add(Number(number))
      this.#onAcknowledged?.()
    })
  }

  /** Resolves after so many further acknowledgements. */
  async more (count: number): Promise<void> {
    const until = this.acknowledged.size + count
    await Promise.race([
      new Promise<void>(resolve => { this.#onAcknowledged = () => { if (this.acknowledged.size >= until) resolve() } }),
      this.#ended.then(() => { throw new Error(`the producer of ${this.topic} ended\n${this.#errors}`) }),
      late(`the producer of ${this.topic} has no further acknowledgement after ${this.acknowledged.size}, failures ${JSON.stringify(this.codes)}`).then(text => { throw new Error(`${text}\n${this.#errors}`) })
    ])
  }

  async end (): Promise<void> {
    this.#child.stdin!.end()
    if (await this.#ended !== 0) throw new Error(`the producer of ${this.topic} failed\n${this.#errors}`)
  }

  kill (): void { this.#child.kill('SIGKILL') }
}

/** Throws at the first broken promise. `folder` must exist. */
export async function takeovers (options: { readonly folder: string, readonly wal: string, readonly producers: readonly ProducerKind[], readonly rounds: number }): Promise<TakeoverResult> {
  const { folder, producers: kinds, rounds, wal } = options
  const file = path.join(folder, 'streambed.yaml')
  fs.writeFileSync(file, JSON.stringify({
    storage: {
      wal: walKinds[wal]!(folder), objects: { plugin: 'fs', path: path.join(folder, 'objects') }, metadata: { plugin: 'object' },
      uploadBytes: '1MiB', streamObjectBytesMin: '256KiB', deletionGraceMs: '500ms', garbageIntervalMs: '500ms'
    },
    log: { level: 'warn' }
  }))
  await using door = await Door.open()
  const address = { host: '127.0.0.1', port: door.port }
  let broker = new Broker(file, door.port)
  const producers: Producer[] = []
  try {
    await broker.ready
    door.leadTo(await broker.port)
    await withClient(address, async client => {
      for (const { name } of kinds) for (const mode of ['plain', 'idempotent']) await client.createTopic(`${name}-${mode}`, { partitions: 1, configs: {} })
    })
    for (const kind of kinds) for (const mode of ['plain', 'idempotent'] as const) producers.push(new Producer(kind, mode, `127.0.0.1:${door.port}`))
    for (let round = 1; round <= rounds; round++) {
      await Promise.all(producers.map(producer => producer.more(20)))
      const old = broker
      old.child.kill('SIGSTOP')
      broker = new Broker(file, door.port)
      await broker.ready
      door.leadTo(await broker.port)
      old.child.kill('SIGCONT')
      const code = await old.ended
      if (code !== 1 || !/another process has started as node/.test(old.stderr)) throw new Error(`round ${round}: the broker that was continued ended with ${code}\n${old.stderr}`)
    }
    await Promise.all(producers.map(producer => producer.more(20)))
    await Promise.all(producers.map(producer => producer.end()))
    for (const producer of producers) await check(producer, await withClient(address, client => valuesOf(client, address, producer.topic)))
    await withClient(address, async client => { for (const { topic } of producers) await client.deleteTopic(topic) })
    await converges(path.join(folder, 'objects/objects/objects'))
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${broker.stderr}`, { cause: error })
  } finally {
    for (const producer of producers) producer.kill()
    broker.child.kill('SIGKILL')
    await broker.ended
  }
  const codes: Record<string, number> = {}
  for (const producer of producers) for (const [code, count] of Object.entries(producer.codes)) codes[code] = (codes[code] ?? 0) + count
  return {
    rounds,
    acknowledged: producers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0),
    failed: Object.values(codes).reduce((sum, count) => sum + count, 0),
    codes
  }
}

function check ({ acknowledged, codes, isIdempotent, topic }: Producer, values: readonly number[]): void {
  const seen = new Set<number>()
  for (const value of values) {
    if (seen.has(value)) throw new Error(`${topic}: ${value} is there twice`)
    seen.add(value)
  }
  for (const value of acknowledged) if (!seen.has(value)) throw new Error(`${topic}: ${value} was acknowledged and is missing`)
  if (isIdempotent && Object.keys(codes).length > 0) throw new Error(`${topic}: failed: ${JSON.stringify(codes)}`)
}

async function valuesOf (client: KafkaClient, address: { readonly host: string, readonly port: number }, topic: string): Promise<number[]> {
  const values: number[] = []
  for (let offset = 0; ;) {
    const { highWatermark, records } = await client.fetch(address, { topic, partition: 0 }, offset, 0)
    if (offset >= highWatermark) return values
    for (const { at, size } of batches(records)) {
      const batch = records.subarray(at, at + size)
      for (const { value } of decodeRecords(batch, recordsBytesMax)) values.push(Number.parseInt(Buffer.from(value!).toString(), 10))
      offset = nextOffset(batch)
    }
  }
}

async function withClient<T> (address: { readonly host: string, readonly port: number }, use: (client: KafkaClient) => Promise<T>): Promise<T> {
  await using client = new KafkaClient(nodeNetwork, address)
  return await use(client)
}

/** Until no object of the engine is left; the logs in the store have folders of their own, and nobody committed offsets. */
async function converges (objects: string): Promise<void> {
  const left = (): string[] => fs.existsSync(objects) ? fs.readdirSync(objects, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(({ name }) => name) : []
  for (let attempt = 0; attempt < 600; attempt++) {
    if (left().length === 0) return
    await new Promise(resolve => { setTimeout(resolve, 500) })
  }
  throw new Error(`objects are left although all topics were deleted: ${left().join(', ')}`)
}
