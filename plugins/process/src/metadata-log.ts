import { StreambedError, defineMetadataLog, type Environment, type MetadataLog, type MetadataLogCapabilities, type MetadataLogPlugin, type MetadataPage, type MetadataSnapshot } from '@streambed/sdk'
import { cut, type Frame } from './frames.ts'
import { metadataLogOptions, optionDocs, type ProcessOptions } from './options.ts'
import { Peer, type CallBytes } from './peer.ts'

type Options = ProcessOptions<MetadataLogCapabilities>

/** A metadata log in a process of its own. When that ends every call rejects with CLOSED: the log must be opened again (ML-8). */
class ProcessMetadataLog implements MetadataLog {
  readonly #peer: Peer
  readonly #entryBytesMax: number
  #endedBecause: string | undefined

  static async open (options: Options, environment: Environment): Promise<ProcessMetadataLog> {
    return new ProcessMetadataLog(await Peer.open(options, { kind: 'metadataLog' }, environment), options.capabilities.entryBytesMax)
  }

  private constructor (peer: Peer, entryBytesMax: number) {
    this.#peer = peer
    this.#entryBytesMax = entryBytesMax
    void peer.ended.then(reason => { this.#endedBecause ??= reason })
  }

  async append (expectedEnd: number, entries: readonly Uint8Array[]): Promise<void> {
    for (const { length } of entries) if (length > this.#entryBytesMax) throw new StreambedError('INVALID_ARGUMENT', `an entry has at most ${this.#entryBytesMax} bytes. size=${length}`)
    await this.#call('append', { expectedEnd, sizes: entries.map(({ length }) => length) }, { pieces: entries, mutates: true })
  }

  async read (from: number): Promise<MetadataPage> {
    const { body, header } = await this.#call('read', { from }, {})
    return { entries: cut(body, header['sizes'] as readonly number[]), end: Number(header['end']) }
  }

  async waitForGrowth (from: number, { signal }: { readonly signal: AbortSignal }): Promise<void> { await this.#call('waitForGrowth', { from }, { signal }) }

  async writeSnapshot (at: number, state: Uint8Array): Promise<void> { await this.#call('writeSnapshot', { at }, { pieces: [state], mutates: true }) }

  async latestSnapshot (): Promise<MetadataSnapshot | undefined> {
    const { body, header: { at } } = await this.#call('latestSnapshot', {}, {})
    return at === null ? undefined : { at: Number(at), state: body }
  }

  async truncateBefore (position: number): Promise<void> { await this.#call('truncateBefore', { position }, { mutates: true }) }

  async close (): Promise<void> {
    this.#endedBecause ??= 'the log was closed'
    await this.#peer.close()
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  async #call (name: string, parameters: object, bytes: CallBytes): Promise<Frame> {
    if (this.#endedBecause !== undefined) throw new StreambedError('CLOSED', `the metadata log must be opened again: ${this.#endedBecause}`)
    return await this.#peer.call(name, parameters, bytes)
  }
}

const plugin: MetadataLogPlugin<Options> = defineMetadataLog<Options>({
  name: 'process',
  options: metadataLogOptions,
  optionDocs,
  capabilities: ({ capabilities }) => capabilities,
  needsObjectStore: false,
  open: (options, environment) => ProcessMetadataLog.open(options, environment)
})

export default plugin
