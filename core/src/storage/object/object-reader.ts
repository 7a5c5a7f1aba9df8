import { StreambedError, type Environment, type ObjectStore } from '@streambed/sdk'
import { BlockCache } from '../cache/block-cache.ts'
import { IndexCache, type ObjectIndex } from '../cache/index-cache.ts'
import type { ObjectFacts, ObjectId, StreamId } from '../catalog/catalog.ts'
import type { StreamBatch } from '../stream/stream-batch.ts'
import { blockCost, decodeBlock, decodeFooter, decodeIndex, footerBytes, type BlockEntry } from './object-format.ts'
import { ofMedium } from '../object-store/of-medium.ts'
import { objectKey } from './object-key.ts'
import { Suspicions } from './suspicions.ts'

export interface ObjectReaderOptions {
  /** What blocks, and indexes of objects, may cost in memory. */
  readonly blockCacheBytesMax: number
  readonly indexCacheBytesMax: number
  /** Neighbouring blocks are fetched with one ranged get of at most this many bytes. */
  readonly getBytesMax: number
  readonly onWasted: () => void
  /** What people call a stream. */
  readonly nameOf: (streamId: StreamId) => string
}

/** A guess of index and footer together: most indexes come with the first get. */
const tailBytes = 64 * 1024
const reportedMax = 10_000

/**
 * Reads data blocks of objects, through caches of indexes and blocks. Concurrent readers share downloads.
 *
 * What a store says of an object is no statement about the stream: NOT_FOUND and OUT_OF_RANGE never leave here. CORRUPT does only
 * when it is proven, by reading again from the store; UNAVAILABLE may pass.
 */
export class ObjectReader {
  readonly #stores: ReadonlyMap<string, ObjectStore>
  readonly #environment: Environment
  readonly #options: ObjectReaderOptions
  readonly #blocks: BlockCache
  readonly #indexes: IndexCache
  /** Objects that were found damaged, and said to be. */
  readonly #reported = new Set<ObjectId>()
  readonly #suspicions: Suspicions

  constructor (stores: ReadonlyMap<string, ObjectStore>, environment: Environment, options: ObjectReaderOptions) {
    this.#stores = stores
    this.#environment = environment
    this.#options = options
    this.#suspicions = new Suspicions(environment.clock)
    this.#indexes = new IndexCache({ bytesMax: options.indexCacheBytesMax })
    this.#blocks = new BlockCache({ bytesMax: options.blockCacheBytesMax, onWasted: options.onWasted })
  }

  /** The data blocks of one stream in `object`, in offset order. */
  async blocksOf (object: ObjectFacts, streamId: StreamId): Promise<readonly BlockEntry[]> {
    const index = this.#indexes.read(object.objectId, () => {
      const loading = this.#suspicions.proven(where(object), () => this.#loadIndex(object))
      loading.catch((error: unknown) => this.#report(object, error))
      return loading
    })
    return (await index).get(streamId) ?? []
  }

  /** The batches of one block. Rejects with CORRUPT, UNAVAILABLE, or what else the store rejects with. */
  read (object: ObjectFacts, entry: BlockEntry): Promise<readonly StreamBatch[]> {
    const key = blockKey(object, entry)
    const cached = this.#blocks.read(key)
    if (cached !== undefined) return cached
    this.#load(object, [entry], false)
    return this.#blocks.read(key)!
  }

  /** Starts to bring `entries`, neighbours in `object`, into the cache. Failures show when somebody reads them. */
  prefetch (object: ObjectFacts, entries: readonly BlockEntry[]): void {
    let together: BlockEntry[] = []
    let bytes = 0
    for (const entry of entries) {
      if (this.#blocks.has(blockKey(object, entry))) continue
      const last = together.at(-1)
      const isNeighbour = last !== undefined && last.position + last.size === entry.position
      if (last !== undefined && (!isNeighbour || bytes + entry.size > this.#options.getBytesMax)) {
        this.#load(object, together, true)
        together = []
        bytes = 0
      }
      together.push(entry)
      bytes += entry.size
    }
    if (together.length > 0) this.#load(object, together, true)
  }

  /** One ranged get for neighbouring blocks; each becomes a cache entry of its own. */
  #load (object: ObjectFacts, entries: readonly BlockEntry[], isPrefetched: boolean): void {
    const start = entries[0]!.position
    const last = entries.at(-1)!
    const bytes = this.#get(object, start, last.position + last.size)
    for (const entry of entries) {
      const decode = (block: Uint8Array): readonly StreamBatch[] => decodeBlock(block, whereIn(object, entry), this.#environment.crc32c)
      const batches = bytes.then(all => decode(all.subarray(entry.position - start, entry.position - start + entry.size)))
        .catch(async (error: unknown) => {
          // A store that finds damage refuses the whole range: the blocks that are sound are had one by one. Damage is read again.
          if (!this.#suspicions.isSuspicious(error)) throw ofMedium(`object cannot be read. ${where(object)}`, error)
          return await this.#suspicions.proven(whereIn(object, entry), async () => decode(await this.#get(object, entry.position, entry.position + entry.size)))
        })
      batches.catch((error: unknown) => this.#report(object, error, entry))
      this.#blocks.add(blockKey(object, entry), blockCost(entry), batches, { isPrefetched })
    }
  }

  /** Readers are told by a code alone, again and again: the log says once what is wrong, and what helps. */
  #report (object: ObjectFacts, error: unknown, entry?: BlockEntry): void {
    if (!StreambedError.is(error, 'CORRUPT', 'UNSUPPORTED') || this.#reported.has(object.objectId)) return
    if (this.#reported.size >= reportedMax) this.#reported.clear()
    this.#reported.add(object.objectId)
    const remedy = error.code === 'UNSUPPORTED' ? 'start a newer Streambed' : 'restore the object from a copy, or delete the records that it holds (DeleteRecords up to endOffset)'
    const records = entry === undefined ? {} : { stream: entry.streamId, name: this.#options.nameOf(entry.streamId), startOffset: entry.startOffset, endOffset: entry.endOffset }
    this.#environment.logger.error('an object cannot be read; its records are refused to readers, all else goes on', { object: objectKey(object.objectId), store: object.store, ...records, error: error.message, remedy })
  }

  async #loadIndex (object: ObjectFacts): Promise<ObjectIndex> {
    const { crc32c } = this.#environment
    const tail = await this.#tail(object)
    const tailStart = object.size - tail.length
    if (tail.length < footerBytes) throw new StreambedError('CORRUPT', `object is shorter than a footer. ${where(object)}`)
    const footer = decodeFooter(tail.subarray(tail.length - footerBytes), where(object), crc32c)
    if (footer.objectId !== object.objectId) throw new StreambedError('CORRUPT', `object holds another id. ${where(object)} found=${footer.objectId}`)
    const indexBytes = footer.indexPosition >= tailStart
      ? tail.subarray(footer.indexPosition - tailStart, footer.indexPosition - tailStart + footer.indexSize)
      : await this.#get(object, footer.indexPosition, footer.indexPosition + footer.indexSize)
    const byStream = new Map<StreamId, BlockEntry[]>()
    for (const entry of decodeIndex(indexBytes, where(object), crc32c)) {
      const entries = byStream.get(entry.streamId)
      if (entries === undefined) byStream.set(entry.streamId, [entry])
      else entries.push(entry)
    }
    return byStream
  }

  /** The end of the object; the footer alone where a block that the guess took in is damaged. */
  async #tail (object: ObjectFacts): Promise<Uint8Array> {
    try {
      return await this.#get(object, Math.max(0, object.size - tailBytes), object.size)
    } catch (error) {
      if (!StreambedError.is(error, 'CORRUPT') || object.size < footerBytes) throw error
      return await this.#get(object, object.size - footerBytes, object.size)
    }
  }

  async #get (object: ObjectFacts, start: number, end: number): Promise<Uint8Array> {
    const store = this.#stores.get(object.store)
    if (store === undefined) {
      throw new StreambedError('MISCONFIGURED', `object is in a store that the configuration does not name. ${where(object)} known=${[...this.#stores.keys()].join(',')}`)
    }
    const bytes = await store.get(objectKey(object.objectId), { range: { start, end } })
    if (bytes.length !== end - start) throw new StreambedError('CORRUPT', `object is shorter than its catalog entry. ${where(object)} wanted=${end - start} got=${bytes.length}`)
    return bytes
  }
}

function blockKey (object: ObjectFacts, entry: BlockEntry): string { return `${object.objectId}:${entry.position}` }

function whereIn (object: ObjectFacts, { endOffset, position, startOffset, streamId }: BlockEntry): string { return `${where(object)} position=${position} stream=${streamId} startOffset=${startOffset} endOffset=${endOffset}` }

function where (object: ObjectFacts): string { return `object=${objectKey(object.objectId)} store=${object.store}` }
