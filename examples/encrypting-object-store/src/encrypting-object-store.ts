import {
  CallsInFlight, StreambedError, throwIfAborted,
  type ByteRange, type CallOptions, type DeleteOutcome, type Environment, type Finding, type GetOptions, type ListOptions, type MultipartUpload,
  type ObjectBody, type ObjectInfo, type ObjectPage, type ObjectStore, type PutOptions, type StoredObject
} from '@streambed/sdk'
import { ObjectSealer, blockBytes, blockCountOf, blocksPerTurn, corrupt, openBlocks, plainSizeOf, storedBlockBytes, type Opened } from './format.ts'
import type { KeyRing } from './key-ring.ts'

/** `inner`, which sees no byte of an object's body. It owns `inner`: closing it closes both. */
export class EncryptingObjectStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #ring: KeyRing
  readonly #objectBytesMax: number
  readonly #environment: Environment
  readonly #calls = new CallsInFlight()

  constructor (inner: ObjectStore, ring: KeyRing, objectBytesMax: number, environment: Environment) {
    this.#inner = inner
    this.#ring = ring
    this.#objectBytesMax = objectBytesMax
    this.#environment = environment
  }

  async put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject> {
    const pieces = body instanceof Uint8Array ? [body] : body
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
    if (size > this.#objectBytesMax) throw invalid(`the object is larger than ${this.#objectBytesMax} bytes. key=${key} size=${size}`)
    // Not told of the signal: the caller's bytes are read until they are sealed, whatever he waits for.
    return await this.#calls.run(undefined, async () => {
      throwIfAborted(options?.signal)
      const stored = await this.#sealed(key, pieces, size)
      return { ...await this.#inner.put(key, stored, options), size }
    })
  }

  async get (key: string, options?: GetOptions): Promise<Uint8Array> {
    const { range, ...callOptions } = options ?? {}
    return await this.#calls.run(options?.signal, async () => {
      if (range === undefined) return (await this.#open(key, await this.#inner.get(key, callOptions), 0, Infinity)).bytes
      if (!(Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end) && range.start >= 0 && range.start < range.end)) {
        throw invalid(`the range is not 0 <= start < end. start=${range.start} end=${range.end}`)
      }
      return await this.#range(key, range, callOptions)
    })
  }

  async head (key: string, options?: CallOptions): Promise<ObjectInfo> { return plainInfo(await this.#inner.head(key, options)) }

  async list (prefix: string, options?: ListOptions): Promise<ObjectPage> {
    const { isLast, objects } = await this.#inner.list(prefix, options)
    return { objects: objects.map(plainInfo), isLast }
  }

  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> { return await this.#inner.delete(keys, options) }

  /** A part would have to end where a block does, and each block names the size of the whole. */
  async startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> {
    // The inner store says what there is to say of the key, and of itself, first.
    await this.#inner.head(key, options).catch((error: unknown) => { if (!StreambedError.is(error, 'NOT_FOUND')) throw error })
    throw new StreambedError('UNSUPPORTED', `uploads in parts are not supported by this store. key=${key}`)
  }

  async sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> { return await this.#inner.sweepUploads(prefix, beforeMs, options) }
  async preflight (options?: CallOptions): Promise<readonly Finding[]> { return await this.#inner.preflight(options) }

  async close (): Promise<void> {
    await this.#calls.close()
    await this.#inner.close()
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  async #sealed (key: string, pieces: readonly Uint8Array[], size: number): Promise<readonly Uint8Array[]> {
    const sealer = new ObjectSealer(this.#ring, { name: key, salt: this.#environment.random.bytes(32), size })
    const blocks = blocksOf(pieces, size)
    const stored: Uint8Array[] = []
    for (const [number, block] of blocks.entries()) {
      if (number % blocksPerTurn === blocksPerTurn - 1) await this.#environment.yieldTurn()
      stored.push(...sealer.seal(number, block))
    }
    return stored
  }

  async #range (key: string, { end, start }: ByteRange, options: CallOptions): Promise<Uint8Array> {
    const firstBlock = Math.floor(start / blockBytes)
    // Objects have no more blocks than this; an end beyond is an end all the same.
    const endBlock = Math.min(Math.ceil(end / blockBytes), firstBlock + blockCountOf(this.#objectBytesMax))
    const stored = await this.#inner.get(key, { ...options, range: { start: firstBlock * storedBlockBytes, end: endBlock * storedBlockBytes } })
      .catch((error: unknown) => { if (StreambedError.is(error, 'OUT_OF_RANGE')) return new Uint8Array(); else throw error })
    if (stored.length === 0) return await this.#nothingAt(key, start, options)
    const { bytes, size } = await this.#open(key, stored, firstBlock, endBlock)
    if (start > size) throw outOfRange(key, start, size)
    return bytes.slice(start - firstBlock * blockBytes, end - firstBlock * blockBytes)
  }

  /** The store has no such blocks. Whether the object has is what its first block says: the store may have been robbed of the rest. */
  async #nothingAt (key: string, start: number, options: CallOptions): Promise<Uint8Array> {
    const { size } = await this.#open(key, await this.#inner.get(key, { ...options, range: { start: 0, end: storedBlockBytes } }), 0, 1)
    if (start > size) throw outOfRange(key, start, size)
    if (start < size) throw corrupt(`is cut off. start=${start} size=${size}`, key)
    return new Uint8Array()
  }

  async #open (key: string, stored: Uint8Array, firstBlock: number, endBlock: number): Promise<Opened> {
    return await openBlocks(this.#ring, key, stored, { firstBlock, endBlock, yieldTurn: this.#environment.yieldTurn })
  }
}

/** `pieces` in runs of `blockBytes`, each as views of them. */
function blocksOf (pieces: readonly Uint8Array[], size: number): readonly (readonly Uint8Array[])[] {
  const blocks: Uint8Array[][] = Array.from({ length: blockCountOf(size) }, () => [])
  let position = 0
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = Math.min(piece.length - at, blockBytes - position % blockBytes)
      blocks[Math.floor(position / blockBytes)]!.push(piece.subarray(at, at + taken))
      position += taken
      at += taken
    }
  }
  return blocks
}

function plainInfo (info: ObjectInfo): ObjectInfo { return { ...info, size: plainSizeOf(info.size) } }
function invalid (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }

function outOfRange (key: string, start: number, size: number): StreambedError {
  return new StreambedError('OUT_OF_RANGE', `the range starts past the object's end. key=${key} start=${start} size=${size}`)
}
