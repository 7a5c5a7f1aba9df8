import {
  CallsInFlight, StreambedError, compareKeys, mapBounded, objectKeyProblem,
  type CallOptions, type DeleteOutcome, type Environment, type Finding, type GetOptions, type ListOptions, type MultipartUpload, type ObjectBody,
  type ObjectInfo, type ObjectPage, type ObjectStore, type PutOptions, type StoredObject
} from '@streambed/sdk'
import type { CopyHeader } from './copy.ts'
import { Replicas, unavailable, type Copy } from './replicas.ts'
import { isFirm, verdictOf, type Vote } from './verdict.ts'

/** A key's object, and what each store was last known to hold of it. */
interface Found { readonly header: CopyHeader, readonly votes: readonly Vote[] }

const listWidth = 16
const listLimitMax = 1000
const roundsMax = 4

/** One object store of three: any one may be down, slow, failing or emptied. Owns the three. */
export class QuorumObjectStore implements ObjectStore {
  readonly #replicas: Replicas
  readonly #objectBytesMax: number
  readonly #environment: Environment
  readonly #calls = new CallsInFlight()

  constructor (stores: readonly [ObjectStore, ObjectStore, ObjectStore], options: { readonly patienceMs: number, readonly objectBytesMax: number }, environment: Environment) {
    this.#replicas = new Replicas(stores, options.patienceMs, environment)
    this.#objectBytesMax = options.objectBytesMax
    this.#environment = environment
  }

  async put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject> {
    checkKeys([key])
    const copy = this.#copyOf(key, body)
    return await this.#calls.run(options?.signal, async () => {
      // Before anything is written: that there is no such object, and that enough stores answer.
      const before = await this.#find(key)
      if (before !== undefined) throw exists(key, options)
      const { owner, size } = copy.header
      const votes = await this.#proposeToAll(key, copy)
      // A store that failed may have taken it all the same, unless it said that it did not.
      const mayHave = votes.some(vote => vote.kind === 'copy' ? vote.header.owner === owner : vote.kind === 'unknown' && StreambedError.is(vote.error, 'OUTCOME_UNKNOWN', 'TIMEOUT'))
      try {
        const found = await this.#find(key, votes)
        if (found?.header.owner === owner) {
          await this.#makeFirm(key, copy, found.votes)
          return { key, size, versionToken: owner }
        }
        if (found !== undefined) throw exists(key, options)
      } catch (error) {
        if (!StreambedError.is(error, 'UNAVAILABLE', 'CORRUPT') || !mayHave) throw error
        throw new StreambedError('OUTCOME_UNKNOWN', `the put may have won; too few of the three stores answer to tell. key=${key}`, { cause: error })
      }
      if (mayHave) throw new StreambedError('OUTCOME_UNKNOWN', `what was put is not there: somebody deleted it, or it has yet to land. key=${key}`)
      throw unavailable(key, errorsOf(votes))
    })
  }

  async get (key: string, options?: GetOptions): Promise<Uint8Array> {
    checkKeys([key])
    const range = options?.range
    if (range !== undefined && !(Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end) && range.start >= 0 && range.start < range.end)) {
      throw invalid(`the range is not 0 <= start < end. start=${range.start} end=${range.end}`)
    }
    return await this.#calls.run(options?.signal, async () => {
      const found = await this.#existing(key)
      if (range === undefined) return (await this.#read(key, found)).pieces[0]!
      const { size } = found.header
      if (range.start > size) throw new StreambedError('OUT_OF_RANGE', `the range starts past the object's end. key=${key} start=${range.start} size=${size}`)
      const end = Math.min(range.end, size)
      return end === range.start ? new Uint8Array() : await this.#replicas.readRange(key, { start: range.start, end }, holders(found))
    })
  }

  async head (key: string, options?: CallOptions): Promise<ObjectInfo> {
    checkKeys([key])
    return await this.#calls.run(options?.signal, async () => infoOf(key, (await this.#existing(key)).header))
  }

  async list (prefix: string, options?: ListOptions): Promise<ObjectPage> {
    const { limit = listLimitMax, signal } = options ?? {}
    if (!Number.isInteger(limit) || limit < 1 || limit > listLimitMax) throw invalid(`limit is not 1 to ${listLimitMax}. limit=${limit}`)
    return await this.#calls.run(signal, async () => {
      const objects: ObjectInfo[] = []
      for (let startAfter = options?.startAfter; ;) {
        const pages = await this.#replicas.pages(prefix, startAfter, limit)
        // Beyond the end of a page that others follow, its store has not said what it holds.
        const until = pages.filter(({ isLast }) => !isLast).map(page => page.objects.at(-1)!.key).sort(compareKeys)[0]
        const keys = [...new Set(pages.flatMap(page => page.objects.map(({ key }) => key)))].filter(key => until === undefined || compareKeys(key, until) <= 0).sort(compareKeys)
        const found = await mapBounded(keys, listWidth, async key => ({ key, found: await this.#find(key) }))
        for (const { found: object, key } of found) if (object !== undefined) objects.push(infoOf(key, object.header))
        if (objects.length > limit || until === undefined) return { objects: objects.slice(0, limit), isLast: objects.length <= limit }
        startAfter = until
      }
    })
  }

  /** Needs all three: of an object that one store kept, another could not tell that it was deleted. */
  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    checkKeys(keys)
    return await this.#calls.run(options?.signal, async () => {
      await this.#replicas.settled(keys)
      const answers = await Promise.all(this.#replicas.all.map(async store => await store.delete(keys, options)
        .catch((error: unknown) => keys.map((key): DeleteOutcome => ({ kind: 'failed', key, error: unavailable(key, [error]) })))))
      return keys.map((key, index) => answers.map(outcomes => outcomes[index]!).find(({ kind }) => kind === 'failed') ?? { kind: 'deleted', key })
    })
  }

  async startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> {
    checkKeys([key])
    return await this.#calls.run(options?.signal, async () => { throw new StreambedError('UNSUPPORTED', `uploads in parts are not supported by this store. key=${key}`) })
  }

  async sweepUploads (_prefix: string, _beforeMs: number, options?: CallOptions): Promise<number> { return await this.#calls.run(options?.signal, async () => 0) }

  async preflight (options?: CallOptions): Promise<readonly Finding[]> {
    return await this.#calls.run(options?.signal, async () => {
      const findings = await Promise.all(this.#replicas.all.map(async (store, index) => {
        const found = await store.preflight(options).catch((error: unknown): readonly Finding[] => [{ severity: 'error', problem: `it does not answer: ${String(error)}`, remedy: 'Bring it back: with two stores nothing more may fail, and nothing can be deleted.' }])
        return found.map(finding => ({ ...finding, problem: `store ${index + 1}: ${finding.problem}` }))
      }))
      return findings.flat()
    })
  }

  /** Gives a copy of each object below `prefix` to the stores that lack it, as after one was away or emptied. Resolves with how many it gave. */
  async heal (prefix: string, options?: CallOptions): Promise<number> {
    let given = 0
    for (let startAfter: string | undefined; ;) {
      const page = await this.list(prefix, { ...options, ...startAfter === undefined ? {} : { startAfter } })
      for (const { key } of page.objects) given += await this.#calls.run(options?.signal, async () => await this.#healOne(key))
      if (page.isLast) return given
      startAfter = page.objects.at(-1)!.key
    }
  }

  async close (): Promise<void> {
    await this.#calls.close()
    await Promise.all(this.#replicas.all.map(async store => { await store.close() }))
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  #copyOf (key: string, body: ObjectBody): Copy {
    const pieces = body instanceof Uint8Array ? [body] : body
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
    if (size > this.#objectBytesMax) throw invalid(`the object is larger than ${this.#objectBytesMax} bytes. key=${key} size=${size}`)
    const { clock, crc32c, random } = this.#environment
    // A store that is given up on may read the bytes later, when they are no longer the caller's to leave alone.
    const own = Buffer.concat(pieces)
    return { header: { owner: Buffer.from(random.bytes(16)).toString('hex'), isSealed: false, modifiedMs: clock.wallMs(), size, crc32c: crc32c(own) }, pieces: [own] }
  }

  /** The first store that answers is where rivals meet; who is beaten there casts no votes of his own. */
  async #proposeToAll (key: string, copy: Copy): Promise<Vote[]> {
    const votes: Vote[] = this.#replicas.indices.map(() => ({ kind: 'unknown' }))
    for (const store of this.#replicas.indices) {
      const vote = votes[store] = await this.#replicas.propose(store, key, copy)
      if (vote.kind !== 'copy') continue
      if (vote.header.owner !== copy.header.owner) return votes
      await Promise.all(this.#replicas.indices.filter(other => other > store).map(async other => { votes[other] = await this.#replicas.propose(other, key, copy) }))
      return votes
    }
    return votes
  }

  /** The object that the key holds; a put that got half-way is helped to its end before it is believed. Undefined: none. */
  async #find (key: string, known?: readonly Vote[]): Promise<Found | undefined> {
    let votes = [...known ?? await this.#replicas.votes(key, false)]
    for (let round = 1; ; round++) {
      const verdict = verdictOf(votes)
      if (verdict.kind === 'absent') return undefined
      if (verdict.kind === 'decided') return await this.#withoutLosers(key, { header: verdict.header, votes })
      if (round === roundsMax) throw unavailable(key, errorsOf(votes))
      if (verdict.kind === 'open') {
        const { from, to } = verdict
        const { header } = votes[from] as Extract<Vote, { readonly kind: 'copy' }>
        const copy = await this.#replicas.read(key, header.owner, [from])
        await Promise.all(to.map(async store => { votes[store] = await this.#replicas.propose(store, key, copy) }))
      } else {
        votes = await this.#replicas.votes(key, true)
        if (votes.filter(({ kind }) => kind === 'unknown').length > 1) throw unavailable(key, errorsOf(votes))
      }
    }
  }

  /** A loser's copy beside the winner's would leave two stores that cannot tell: the winner is sealed before it is shown. */
  async #withoutLosers (key: string, found: Found): Promise<Found> {
    const { header, votes } = found
    const hasLoser = votes.some(vote => vote.kind === 'copy' && vote.header.owner !== header.owner)
    if (!hasLoser || isFirm(votes, header.owner)) return found
    return { header, votes: await this.#makeFirm(key, await this.#read(key, found), votes) }
  }

  /** Resolves when any two stores will do to find the copy, which has won. */
  async #makeFirm (key: string, copy: Copy, votes: readonly Vote[]): Promise<readonly Vote[]> {
    if (isFirm(votes, copy.header.owner)) return votes
    const sealed = await Promise.all(this.#replicas.indices.map(async store => await this.#replicas.seal(store, key, copy)))
    if (!isFirm(sealed, copy.header.owner)) throw unavailable(key, errorsOf(sealed))
    return sealed
  }

  async #existing (key: string): Promise<Found> {
    const found = await this.#find(key)
    if (found === undefined) throw new StreambedError('NOT_FOUND', `no such object. key=${key}`)
    return found
  }

  async #read (key: string, found: Found): Promise<Copy> { return await this.#replicas.read(key, found.header.owner, holders(found)) }

  async #healOne (key: string): Promise<number> {
    const votes = await this.#replicas.votes(key, true)
    const lacking = votes.flatMap((vote, store) => vote.kind === 'absent' ? [store] : [])
    const found = lacking.length === 0 ? undefined : await this.#find(key, votes)
    if (found === undefined) return 0
    const copy = await this.#read(key, found)
    const given = await Promise.all(lacking.map(async store => await this.#replicas.propose(store, key, copy)))
    return given.filter(({ kind }) => kind === 'copy').length
  }
}

/** Those that were seen to have the copy, then those that were not heard. */
function holders ({ header, votes }: Found): readonly number[] {
  const rank = (vote: Vote): number => vote.kind === 'copy' && vote.header.owner === header.owner ? 0 : vote.kind === 'unknown' ? 1 : 2
  return votes.map((vote, store) => ({ store, rank: rank(vote) })).filter(({ rank }) => rank < 2).sort((left, right) => left.rank - right.rank).map(({ store }) => store)
}

function errorsOf (votes: readonly Vote[]): readonly unknown[] { return votes.flatMap(vote => vote.kind === 'unknown' ? [vote.error ?? 'no answer'] : []) }

function infoOf (key: string, { modifiedMs, owner, size }: CopyHeader): ObjectInfo { return { key, size, versionToken: owner, modifiedMs } }

function exists (key: string, options: PutOptions | undefined): StreambedError {
  if (options?.ifAbsent === true) return new StreambedError('ALREADY_EXISTS', `the object exists. key=${key}`)
  return new StreambedError('UNSUPPORTED', `this store does not overwrite: an object is written once; delete it first. key=${key}`)
}

function checkKeys (keys: readonly string[]): void {
  for (const key of keys) {
    const problem = objectKeyProblem(key)
    if (problem !== undefined) throw invalid(`the key ${problem}. key=${JSON.stringify(key.slice(0, 100))}`)
  }
}

function invalid (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }
