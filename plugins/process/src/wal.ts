import { StreambedError, defineWal, type Environment, type Wal, type WalCapabilities, type WalPlugin, type WalPosition, type WalRecord, type WalUsage, type WalWriter } from '@streambed/sdk'
import { cut } from './frames.ts'
import { optionDocs, walOptions, type ProcessOptions } from './options.ts'
import { Peer } from './peer.ts'

type Options = ProcessOptions<WalCapabilities>

/** A write-ahead log in a process of its own. When that ends the log takes nothing more until it is opened again. */
class ProcessWal implements Wal {
  readonly #peer: Peer
  /** As the process last told it. */
  #usage: WalUsage
  #inFlightBytes = 0
  #isRecoverable = true
  #isClosed = false

  static async open (options: Options, environment: Environment, writer: WalWriter): Promise<ProcessWal> {
    return new ProcessWal(await Peer.open(options, { kind: 'wal', writer }, environment))
  }

  private constructor (peer: Peer) {
    this.#peer = peer
    this.#usage = peer.opened['usage'] as WalUsage
  }

  async append (chunks: readonly Uint8Array[]): Promise<WalPosition> {
    this.#checkOpen()
    this.#isRecoverable = false
    const size = chunks.reduce((sum, { length }) => sum + length, 0)
    const { recordBytesMax } = this.#usage
    if (size === 0 || size > recordBytesMax) throw new StreambedError('INVALID_ARGUMENT', `a record has 1 to ${recordBytesMax} bytes. size=${size}`)
    this.#inFlightBytes += size
    try {
      const { header } = await this.#peer.call('append', {}, { pieces: chunks, mutates: true })
      this.#usage = header['usage'] as WalUsage
      return Number(header['position'])
    } finally {
      this.#inFlightBytes -= size
    }
  }

  async * recover (): AsyncGenerator<WalRecord, void, undefined> {
    this.#checkOpen()
    if (!this.#isRecoverable) throw new StreambedError('INVALID_ARGUMENT', 'recover is called once, before the first append')
    this.#isRecoverable = false
    for (let isLast = false; !isLast;) {
      const { body, header } = await this.#peer.call('recover', {}, {})
      const positions = header['positions'] as readonly number[]
      for (const [index, data] of cut(body, header['sizes'] as readonly number[]).entries()) yield { position: positions[index]!, data }
      isLast = header['isLast'] === true
    }
  }

  async trim (position: WalPosition): Promise<void> {
    this.#checkOpen()
    if (!Number.isSafeInteger(position)) throw new StreambedError('INVALID_ARGUMENT', `no position. position=${position}`)
    const { header } = await this.#peer.call('trim', { position }, { mutates: true })
    this.#usage = header['usage'] as WalUsage
  }

  usage (): WalUsage { return { ...this.#usage, usedBytes: this.#usage.usedBytes + this.#inFlightBytes } }

  async close (): Promise<void> {
    this.#isClosed = true
    await this.#peer.close()
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  #checkOpen (): void { if (this.#isClosed) throw new StreambedError('CLOSED', 'the log is closed') }
}

const plugin: WalPlugin<Options> = defineWal<Options>({
  name: 'process',
  options: walOptions,
  optionDocs,
  capabilities: ({ capabilities }) => capabilities,
  needsObjectStore: false,
  open: (options, environment, { writer }) => ProcessWal.open(options, environment, writer)
})

export default plugin
