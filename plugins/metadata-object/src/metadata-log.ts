import { StreambedError, type Environment, type MetadataLog, type MetadataPage, type MetadataSnapshot, type ObjectStore } from '@streambed/sdk'
import { corrupt, entriesToBody, entryBytesMax, groupBytesMax, isSameToken, slotsToBody, tokenBytes, type ForgottenSlot } from './format.ts'
import { Growth } from './growth.ts'
import { LogObjects, type Slot } from './log-objects.ts'
import type { ObjectMetadataLogOptions } from './options.ts'

/** What the entries of a page cost in memory, about. */
const pageBytesMax = 4 * 2 ** 20
const fetchesMax = 8
/** Entries that were read to find the end are kept for the reader who asked, while they cost no more in memory. */
const cacheBytesMax = 16 * 2 ** 20
/** What an entry takes in memory besides its bytes. */
const entryOverheadBytes = 256
const marksKept = 8
/** How often a view of the log that changes while it is taken is taken anew. */
const attemptsMax = 10

interface KnownSlot { readonly start: number, token: Uint8Array | undefined }
interface Doubt { readonly start: number, readonly count: number, readonly token: Uint8Array, readonly bytes: Uint8Array }

/**
 * The log in an object store, for any number of instances at once. Each append is one object, put if absent under the position of
 * its first entry; who puts it has won.
 *
 * A position that was forgotten is free again, and an instance that slept may put its entries there. So each
 * truncation puts a mark before it deletes, and who has put or read a slot then looks for a mark past it: without one the
 * slot is the log's. With one, the mark's list of what it forgot tells.
 *
 * A put without a known outcome stays in doubt; before the next call it is sent again. So what a read after
 * OUTCOME_UNKNOWN does not show will never be in the log.
 */
export class ObjectMetadataLog implements MetadataLog {
  readonly #objects: LogObjects
  readonly #environment: Environment
  readonly #growth: Growth
  /** Slots from the log's start to its end, as far as known. */
  #slots: KnownSlot[] = []
  #start = 0
  #end = 0
  readonly #cache = new Map<number, Slot>()
  #cacheCost = 0
  #doubt: Doubt | undefined
  /** Settles with what was asked for last: the view changes for one call at a time. */
  #lastChange: Promise<unknown> = Promise.resolve()
  readonly #others = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  static async open (options: ObjectMetadataLogOptions, environment: Environment, store: ObjectStore): Promise<ObjectMetadataLog> {
    const log = new ObjectMetadataLog(options, environment, store)
    await log.#objects.findRoot()
    await log.#load()
    await log.#checkSnapshots()
    return log
  }

  private constructor (options: ObjectMetadataLogOptions, environment: Environment, store: ObjectStore) {
    this.#environment = environment
    this.#objects = new LogObjects(store, environment, options)
    this.#growth = new Growth(this.#objects, options)
  }

  async append (expectedEnd: number, entries: readonly Uint8Array[]): Promise<void> {
    checkPosition(expectedEnd)
    if (entries.length === 0) throw invalid('there is no entry to append')
    let groupBytes = 0
    for (const { length } of entries) {
      if (length > entryBytesMax) throw invalid(`an entry is larger than ${entryBytesMax} bytes. size=${length}`)
      groupBytes += 4 + length
    }
    if (groupBytes > groupBytesMax) throw invalid(`the entries together are larger than ${groupBytesMax} bytes. size=${groupBytes}`)
    await this.#change(async () => {
      if (expectedEnd > this.#end) await this.#extend()
      if (expectedEnd !== this.#end) throw conflict(expectedEnd, this.#end)
      const token = this.#environment.random.bytes(tokenBytes)
      const bytes = await this.#objects.encode({ kind: 'entries', position: expectedEnd, token, count: entries.length }, entriesToBody(entries))
      await this.#put({ start: expectedEnd, count: entries.length, token, bytes })
    })
  }

  async read (from: number): Promise<MetadataPage> {
    checkPosition(from)
    return await this.#change(async () => {
      await this.#extend()
      for (let attempt = 1; ; attempt++) {
        if (from < this.#start || from > this.#end) throw outOfRange(from, this.#start, this.#end)
        const entries = await this.#entries(from)
        if (entries !== undefined) return { entries, end: this.#end }
        if (attempt === attemptsMax) throw busy()
      }
    })
  }

  async waitForGrowth (from: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    checkPosition(from)
    this.#throwIfClosed()
    if (this.#end <= from || signal.aborted) await this.#growth.wait(from, signal)
  }

  async writeSnapshot (at: number, state: Uint8Array): Promise<void> {
    checkPosition(at)
    await this.#change(async () => {
      if (at > this.#end) await this.#extend()
      if (at > this.#end) throw invalid(`the snapshot is past the end. at=${at} end=${this.#end}`)
    })
    // Large, and in nobody's way: appends go on meanwhile.
    await this.#beside(async () => {
      const token = this.#environment.random.bytes(tokenBytes)
      const bytes = await this.#objects.encode({ kind: 'snapshot', position: at, token, count: 0 }, [state])
      // Taken is as good: two of one position hold the same.
      await this.#objects.put(this.#objects.snapshotKey(at), bytes, { kind: 'snapshot', position: at, token })
      const older = (await this.#objects.snapshots()).slice(0, -1)
      await this.#objects.remove(older.map(each => this.#objects.snapshotKey(each)))
    })
  }

  async latestSnapshot (): Promise<MetadataSnapshot | undefined> {
    return await this.#beside(async () => {
      for (let attempt = 1; ; attempt++) {
        const at = (await this.#objects.snapshots()).at(-1)
        if (at === undefined) return undefined
        try {
          return { at, state: await this.#objects.snapshot(at) }
        } catch (error) {
          // A newer one took its place.
          if (!StreambedError.is(error, 'NOT_FOUND')) throw error
          if (attempt === attemptsMax) throw busy()
        }
      }
    })
  }

  async truncateBefore (position: number): Promise<void> {
    checkPosition(position)
    await this.#change(async () => {
      if (position <= this.#start) return
      const newest = (await this.#objects.snapshots()).at(-1)
      if (newest === undefined || newest < position) throw invalid(`there is no snapshot at or after the position. position=${position}`)
      if (position > this.#end) await this.#extend()
      // The last slot stays: it says where the log ends.
      const kept = this.#slots.findLast(({ start }) => start <= position)
      if (kept !== undefined && kept.start > this.#start) await this.#forgetBefore(kept.start)
    })
  }

  async close (): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  /** Puts the slot behind the end; its entries are in the log when this resolves. */
  async #put (slot: Doubt): Promise<void> {
    const { count, start, token } = slot
    let outcome
    try {
      outcome = await this.#objects.put(this.#objects.slotKey(start), slot.bytes, { kind: 'entries', position: start, token })
    } catch (error) {
      if (StreambedError.is(error, 'OUTCOME_UNKNOWN')) this.#doubt = slot
      throw error
    }
    this.#doubt = undefined
    let marks
    try {
      marks = await this.#objects.marksAbove(start)
    } catch (error) {
      this.#doubt = slot
      throw new StreambedError('OUTCOME_UNKNOWN', `entries were put, but whether they are part of the metadata log is not known. position=${start}`, { cause: error })
    }
    // Also when it is somebody else's: a sleeper may have put it after ours had been read by others and forgotten.
    if (marks.length > 0) {
      await this.#judge(slot, marks)
      return
    }
    if (outcome === 'taken') throw conflict(start, start + 1)
    this.#slots.push({ start, token })
    this.#setEnd(start + count)
  }

  /** A mark past our slot: either the others went on from it and have forgotten it since, or it was forgotten before we put it. */
  async #judge (slot: Doubt, marks: readonly number[]): Promise<void> {
    const { start, token } = slot
    for (const mark of marks) {
      const forgotten = await this.#objects.mark(mark).catch((error: unknown): ForgottenSlot[] => {
        if (StreambedError.is(error, 'NOT_FOUND')) return []
        this.#doubt = slot
        throw unknown(start, error)
      })
      const found = forgotten.find(each => each.start === start)
      if (found === undefined) continue
      // Whoever put what is there now, it is no part of the log.
      await this.#objects.remove([this.#objects.slotKey(start)])
      if (isSameToken(found.token, token)) return
      throw conflict(start, mark)
    }
    throw unknown(start)
  }

  /** Learns what others have appended and forgotten since. */
  async #extend (): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const last = this.#slots.at(-1)
      const { marks, starts } = await this.#objects.listLog(last?.start)
      const mark = marks.at(-1) ?? 0
      if (mark > (last?.start ?? 0)) {
        await this.#load()
        return
      }
      if (mark > this.#start) this.#dropBefore(mark)
      if (starts.length === 0) return
      const slots = await this.#fetchChain(starts, this.#end)
      if (slots !== undefined && (await this.#objects.marksAbove(starts[0]!)).length === 0) {
        for (const slot of slots) this.#add(slot)
        return
      }
      if (attempt === attemptsMax) throw corrupt('is missing', this.#objects.slotKey(this.#end))
    }
  }

  /**
   * A snapshot is put after the entries before it, and a mark after the snapshot that holds what it forgets: where the log ends
   * before its snapshot, or begins behind it, something is lost.
   */
  async #checkSnapshots (): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const at = (await this.#objects.snapshots()).at(-1)
      const isPastEnd = at !== undefined && at > this.#end
      if (!isPastEnd && this.#start <= (at ?? 0)) return
      if (attempt === attemptsMax) {
        if (isPastEnd) throw corrupt(`is missing: the log ends at ${this.#end}, before its snapshot at ${at}`, this.#objects.slotKey(this.#end))
        throw corrupt(`is missing: no snapshot holds the entries before ${this.#start}`, this.#objects.snapshotKey(this.#start))
      }
      // Others may have gone on since the log was looked at, or replaced the snapshot during the listing.
      await this.#load()
    }
  }

  /** Takes a new view of the whole log. */
  async #load (): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { marks, starts } = await this.#objects.listLog()
      const start = marks.at(-1) ?? 0
      const kept = starts.filter(each => each >= start)
      const last = kept.at(-1)
      const isWhole = last === undefined ? start === 0 || await this.#objects.isEmptyAt(start) : kept[0] === start
      const slots = isWhole ? last === undefined ? [] : await this.#fetchChain([last], last) : undefined
      if (slots !== undefined && (last === undefined || (await this.#objects.marksAbove(last)).length === 0)) {
        this.#slots = kept.slice(0, -1).map(each => ({ start: each, token: undefined }))
        this.#start = start
        this.#cache.clear()
        this.#cacheCost = 0
        if (slots[0] !== undefined) this.#add(slots[0])
        else if (start > this.#end) this.#setEnd(start)
        return
      }
      if (attempt === attemptsMax) throw corrupt('is missing', this.#objects.slotKey(start))
    }
  }

  /** The slots, which must follow each other from `from` on; undefined when they do not, or one is gone. */
  async #fetchChain (starts: readonly number[], from: number): Promise<Slot[] | undefined> {
    const slots: Slot[] = []
    let next = from
    for (let at = 0; at < starts.length; at += fetchesMax) {
      const fetched = await Promise.all(starts.slice(at, at + fetchesMax).map(start => this.#fetch(start)))
      for (const slot of fetched) {
        if (slot === undefined || slot.start !== next) return undefined
        next += slot.entries.length
        slots.push(slot)
      }
    }
    return slots
  }

  async #fetch (start: number): Promise<Slot | undefined> {
    try {
      return this.#cache.get(start) ?? await this.#objects.slot(start)
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /** The entries from `from` on that one page holds; undefined when the view was too old and has been renewed. */
  async #entries (from: number): Promise<readonly Uint8Array[] | undefined> {
    if (from === this.#end) return []
    let index = this.#slots.findLastIndex(({ start }) => start <= from)
    const first = this.#slots[index]!
    const entries: Uint8Array[] = []
    let cost = 0
    let next = first.start
    const isCached = this.#cache.has(first.start)
    while (index < this.#slots.length && cost < pageBytesMax) {
      const batch = this.#slots.slice(index, index + fetchesMax)
      const slots = await this.#fetchChain(batch.map(({ start }) => start), next)
      if (slots === undefined || (!isCached && (await this.#objects.marksAbove(first.start)).length > 0)) {
        const before = this.#start
        await this.#load()
        if (slots === undefined && this.#start === before) throw corrupt('is missing', this.#objects.slotKey(next))
        return undefined
      }
      for (const [at, slot] of slots.entries()) {
        batch[at]!.token = slot.token
        entries.push(...slot.entries.map(entry => new Uint8Array(entry)))
        next += slot.entries.length
        cost += costOf(slot)
      }
      index += batch.length
    }
    return entries.slice(from - first.start)
  }

  #add (slot: Slot): void {
    this.#slots.push({ start: slot.start, token: slot.token })
    const cost = costOf(slot)
    if (this.#cacheCost + cost > cacheBytesMax) {
      this.#cache.clear()
      this.#cacheCost = 0
    }
    this.#cache.set(slot.start, slot)
    this.#cacheCost += cost
    this.#setEnd(slot.start + slot.entries.length)
  }

  #setEnd (end: number): void {
    this.#end = end
    this.#growth.grewTo(end)
  }

  #dropBefore (start: number): void {
    this.#start = start
    this.#slots = this.#slots.filter(slot => slot.start >= start)
  }

  async #forgetBefore (start: number): Promise<void> {
    const forgotten = this.#slots.filter(slot => slot.start < start)
    const listed: ForgottenSlot[] = []
    for (const slot of forgotten) {
      try {
        listed.push({ start: slot.start, token: slot.token ??= await this.#objects.slotToken(slot.start) })
      } catch (error) {
        if (!StreambedError.is(error, 'NOT_FOUND')) throw error
        // Another instance was faster.
        await this.#load()
        return
      }
    }
    const token = this.#environment.random.bytes(tokenBytes)
    const bytes = await this.#objects.encode({ kind: 'mark', position: start, token, count: listed.length }, slotsToBody(listed))
    await this.#objects.put(this.#objects.markKey(start), bytes, { kind: 'mark', position: start, token })
    this.#dropBefore(start)
    // Also what earlier truncations left, and entries that sleepers put where nothing belongs any more.
    const { marks, starts } = await this.#objects.listLog()
    await this.#objects.remove(starts.filter(each => each < start).map(each => this.#objects.slotKey(each)))
    await this.#objects.remove(marks.slice(0, -marksKept).map(each => this.#objects.markKey(each)))
  }

  /** After what was asked for before, and with nothing in doubt. */
  #change<T> (action: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closed())
    const changed = this.#lastChange.then(async () => {
      if (this.#doubt !== undefined) await this.#settleDoubt(this.#doubt)
      return await action()
    })
    this.#lastChange = changed.catch(() => {})
    return changed
  }

  /** Sends the entries in doubt again: then they are in the log, or somebody else's are. */
  async #settleDoubt (doubt: Doubt): Promise<void> {
    try {
      await this.#put(doubt)
    } catch (error) {
      if (StreambedError.is(error, 'ABORTED')) throw error
      if (this.#doubt !== undefined) throw new StreambedError('UNAVAILABLE', `whether an earlier append happened cannot be found out now. position=${doubt.start}`, { cause: error })
    }
  }

  async #beside<T> (action: () => Promise<T>): Promise<T> {
    this.#throwIfClosed()
    const doing = action()
    const settled = doing.then(() => {}, () => {})
    this.#others.add(settled)
    try {
      return await doing
    } finally {
      this.#others.delete(settled)
    }
  }

  async #close (): Promise<void> {
    await this.#growth.close(closed())
    await Promise.all([this.#lastChange, ...this.#others])
    await this.#objects.close()
  }

  #throwIfClosed (): void { if (this.#closing !== undefined) throw closed() }
}

function checkPosition (position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw invalid(`not a position. position=${position}`)
}

function closed (): StreambedError { return new StreambedError('CLOSED', 'the metadata log is closed') }
function invalid (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }
function conflict (expected: number, end: number): StreambedError {
  return new StreambedError('CONFLICT', `the log has another end. expected=${expected} end=${end}`)
}

function outOfRange (from: number, start: number, end: number): StreambedError {
  return new StreambedError('OUT_OF_RANGE', `the log does not hold that position. from=${from} start=${start} end=${end}`)
}

function unknown (position: number, cause?: unknown): StreambedError {
  return new StreambedError('OUTCOME_UNKNOWN', `entries were put, but whether they are part of the metadata log cannot be told. position=${position}`, { cause })
}

function busy (): StreambedError { return new StreambedError('UNAVAILABLE', 'the metadata log changes faster than it can be read') }

/** What a slot takes in memory, in bytes. */
function costOf ({ entries }: Slot): number { return entries.reduce((sum, { length }) => sum + length + entryOverheadBytes, 0) }
