import { StreambedError, withRetry, type Environment, type ObjectStore, type RetryOptions } from '@streambed/sdk'
import type { Catalog, LiveObject, LivePiece, ObjectId } from '../catalog/catalog.ts'
import type { ObjectReader } from '../object/object-reader.ts'
import { encodeObject } from '../object/object-writer.ts'
import type { StorageOptions } from '../options.ts'
import { endOffsetOf } from '../stream/stream-batch.ts'
import type { PlannedStream } from '../upload/object-plan.ts'
import { putObject } from '../upload/object-put.ts'
import { planMove, type MoveLimits } from './move-plan.ts'

export interface ObjectMoverParts {
  readonly catalog: Catalog
  readonly objects: ObjectReader
  /** The one that new objects go to. */
  readonly store: ObjectStore
  readonly environment: Environment
  readonly options: StorageOptions
}

const spaceRatioMax = 1.2
/** Of what makes an upload. */
const gainShareMin = 1 / 32
/** A move can wait for a later pass, and what comes after it must not wait for a store that refuses. */
const shortly: RetryOptions = { delayMsMin: 50, delayMsMax: 5_000, deadlineMs: 30_000 }
/** In one pass: what is left waits for the next. */
const movesMax = 8

/**
 * Frees the room that dead records take in objects of which others live on: the remains of such objects go into a new one together, and
 * the old ones are condemned. Ids first, bytes second, catalog last: whatever ends a move leaves the old objects as they are, and the
 * new one as an orphan that is found by its reserved id.
 */
export class ObjectMover {
  readonly #parts: ObjectMoverParts
  readonly #limits: MoveLimits
  /** Objects that are damaged, or were when they were to be moved: left as they are until the next start. */
  readonly #unreadable = new Set<ObjectId>()

  constructor (parts: ObjectMoverParts) {
    this.#parts = parts
    const { uploadBytes } = parts.options
    this.#limits = { spaceRatioMax, gainBytesMin: uploadBytes * gainShareMin, moveBytesMax: uploadBytes }
  }

  /** One pass; resolves with the count of objects that are needed no more. Rejects as the stores and the catalog do. */
  async move (stop: AbortSignal): Promise<number> {
    let freed = 0
    for (let moves = 0; moves < movesMax && !stop.aborted; moves++) {
      const chosen = planMove(this.#parts.catalog.liveObjects().filter(({ facts }) => !this.#unreadable.has(facts.objectId)), this.#limits)
      if (chosen.length === 0) break
      freed += await this.#move(chosen, stop)
    }
    return freed
  }

  async #move (chosen: readonly LiveObject[], stop: AbortSignal): Promise<number> {
    const { catalog, environment, options } = this.#parts
    const readable: LiveObject[] = []
    const plan: PlannedStream[] = []
    for (const object of chosen) {
      const pieces = await this.#read(object)
      if (pieces === undefined) continue
      readable.push(object)
      plan.push(...pieces)
    }
    if (readable.length === 0) return 0
    plan.sort((left, right) => left.streamId - right.streamId || left.batches[0]!.baseOffset - right.batches[0]!.baseOffset)
    const objectId = await withRetry(() => catalog.reserveObjectIds(1), environment, shortly, stop)
    const encoded = await encodeObject(objectId, plan, options, environment)
    try {
      await putObject(this.#parts, encoded, shortly, stop)
    } catch (error) {
      // An object that was there already is not ours to delete.
      if (!StreambedError.is(error, 'CORRUPT', 'ABORTED')) await catalog.abandonObjects([objectId])
      throw error
    }
    try {
      await catalog.replaceObjects(readable.map(({ facts }) => facts.objectId), encoded.commit)
    } catch (error) {
      // Whether it is committed may not be known: then the id stays reserved, and a later epoch finds out.
      if (!StreambedError.is(error, 'CONFLICT')) throw error
      // Something else has become of them meanwhile: the next plan sees it.
      await catalog.abandonObjects([objectId])
      return 0
    }
    environment.metrics.count('moved_bytes', encoded.commit.size)
    environment.logger.debug('moved what is live of objects', { objects: readable.length, into: objectId, bytes: encoded.commit.size })
    return readable.length
  }

  /** Undefined for one that is damaged. */
  async #read ({ facts, pieces }: LiveObject): Promise<readonly PlannedStream[] | undefined> {
    const { objects } = this.#parts
    try {
      const read: PlannedStream[] = []
      for (const piece of pieces) {
        const batches = []
        const entries = (await objects.blocksOf(facts, piece.streamId)).filter(entry => isOf(entry, piece))
        objects.prefetch(facts, entries)
        for (const entry of entries) batches.push(...(await objects.read(facts, entry)).filter(batch => endOffsetOf(batch) > piece.startOffset))
        if (batches.length === 0) throw new StreambedError('CORRUPT', `object lacks what the catalog says it holds. stream=${piece.streamId} object=${facts.objectId} offset=${piece.startOffset}`)
        read.push({ streamId: piece.streamId, streamEpoch: piece.streamEpoch, batches })
      }
      return read
    } catch (error) {
      if (!StreambedError.is(error, 'CORRUPT', 'UNSUPPORTED', 'MISCONFIGURED')) throw error
      this.#unreadable.add(facts.objectId)
      return undefined
    }
  }
}

function isOf (entry: { readonly startOffset: number, readonly endOffset: number }, { range, startOffset }: LivePiece): boolean {
  return entry.endOffset > startOffset && entry.startOffset < range.endOffset
}
