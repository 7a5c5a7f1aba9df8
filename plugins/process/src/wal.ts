import { StreambedError, checkOpening, defineWal, type Environment, type Wal, type WalCapabilities, type WalContext, type WalIdentity, type WalPlugin, type WalPosition, type WalRecord, type WalUsage } from '@streambed/sdk'
import { cut } from './frames.ts'
import { optionDocs, walOptions, type ProcessOptions } from './options.ts'
import { Peer } from './peer.ts'

type Options = ProcessOptions<WalCapabilities>

/** A write-ahead log in a process of its own. When that ends the log takes nothing more until it is opened again. */
class ProcessWal implements Wal {
  readonly identity?: WalIdentity
  readonly #peer: Peer
  /** As the process last told it. */
  #usage: WalUsage
  #inFlightBytes = 0
  #isRecoverable = true
  #isClosed = false

  /** A process whose log has no identity is told nothing of how it is opened: it may be older than that question. */
  static async open (options: Options, environment: Environment, { opening, writer }: WalContext): Promise<ProcessWal> {
    const isDeclared = options.capabilities.identity === true
    const peer = await Peer.open(options, { kind: 'wal', writer, opening: isDeclared ? opening : undefined }, environment)
    try {
      const identity = isDeclared ? identityOf(peer.opened['identity']) : undefined
      // It refuses another log itself; one that overlooks the question must not be believed.
      if (identity !== undefined) checkOpening({ ...writer, id: identity.id }, { opening, writer, place: whereIs(options) })
      return new ProcessWal(peer, identity)
    } catch (error) {
      await peer.close()
      throw error
    }
  }

  private constructor (peer: Peer, identity: WalIdentity | undefined) {
    if (identity !== undefined) this.identity = identity
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

function identityOf (told: unknown): WalIdentity {
  const { id, last, trimmed, writerEpoch } = (told ?? {}) as Partial<Record<keyof WalIdentity, unknown>>
  if (typeof id === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(id) && isPosition(last) && isPosition(trimmed) && isPosition(writerEpoch)) return { id, writerEpoch, last, trimmed }
  throw new StreambedError('MISCONFIGURED', `the plugin process declares the capability "identity" and tells none, or none that is valid; mend it, or leave that capability out. identity=${JSON.stringify(told) ?? 'nothing'}`)
}

function isPosition (value: unknown): value is number { return Number.isSafeInteger(value) && (value as number) >= -1 }

function whereIs ({ command, socket }: Options): string { return socket === undefined ? `command=${command?.[0]}` : `socket=${socket}` }

const plugin: WalPlugin<Options> = defineWal<Options>({
  name: 'process',
  options: walOptions,
  optionDocs,
  capabilities: ({ capabilities }) => capabilities,
  needsObjectStore: false,
  open: (options, environment, context) => ProcessWal.open(options, environment, context)
})

export default plugin
