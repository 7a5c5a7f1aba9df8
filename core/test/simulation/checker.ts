/** What a run can get wrong, by the names of the field (Jepsen's, where it has one). */
export type ViolationName =
  /** An acknowledged, or once readable, record is not where it was. */
  | 'lost-write'
  /** A record of an idempotent producer, or of one that never repeated it, is in the log twice. */
  | 'duplicate'
  /** Records of one producer are not in the order in which it sent them. */
  | 'reordering'
  /** A record that nobody sent there, or whose bytes differ. */
  | 'invented-record'
  /** One offset gave two records, or offsets have a gap. */
  | 'inconsistent-offsets'
  /** A reader saw more than the high watermark. */
  | 'precommitted-read'
  | 'lost-commit'
  /** A commit is seen that was followed by another, or deleted, or was of an earlier topic of that name. */
  | 'undead-commit'
  /** A coordinator's state is not what its log says. */
  | 'state-diverged'
  | 'epoch-went-back'
  | 'lost-topic'
  | 'undead-topic'
  /** The bucket holds what nobody needs. */
  | 'leak'
  /** Records that have had their time stay. */
  | 'kept-too-long'
  /** The broker finds its own storage damaged, fenced or foreign. */
  | 'refused-to-open'
  /** The faults are over, and still a client gets no further. */
  | 'stuck'
  | 'unhandled-rejection'

export class Violation extends Error {
  readonly violation: ViolationName
  constructor (violation: ViolationName, detail: string) {
    super(`${violation}: ${detail}`)
    this.name = 'Violation'
    this.violation = violation
  }
}

/** One batch as a client read it; `recordIds` in offset order. */
export interface ReadBatch { readonly baseOffset: number, readonly recordIds: readonly string[] }

export interface ReadAnswer {
  readonly fetchOffset: number
  readonly highWatermark: number
  /** -1: the answer's version does not tell. */
  readonly logStartOffset: number
  readonly batches: readonly ReadBatch[]
}

/** What a log owes from the moment a request is sent: all that was acknowledged or seen before. */
export interface Obligation { readonly highWatermark: number, readonly deletedBefore: number }

/** What a producer may expect of its records. `isUnique`: each is in the log once at most. `isOrdered`: as they were sent. */
export interface SentPromise { readonly isUnique: boolean, readonly isOrdered: boolean }
/** `batch`: the records that were sent together. */
interface Sent extends SentPromise { readonly batch: readonly string[] }

/** What is known of one partition, from what clients sent, were told and read. */
export class PartitionHistory {
  readonly name: string
  /** Record id to the offset first seen, by acknowledgement or read. */
  readonly offsetOf = new Map<string, number>()
  readonly #recordAt = new Map<number, string>()
  readonly #acknowledged = new Map<string, number>()
  readonly #sent = new Map<string, Sent>()
  /** Acknowledged deletions reach here … */
  #deletedBefore = 0
  /** … and those asked for, here. */
  #deletableBefore = 0
  #highWatermark = 0

  constructor (name: string) { this.name = name }

  get highWatermark (): number { return this.#highWatermark }
  get deletableBefore (): number { return this.#deletableBefore }
  get acknowledgedCount (): number { return this.#acknowledged.size }

  /** To be called when a read is sent; what it then answers is held against it. */
  obligation (): Obligation { return { highWatermark: this.#highWatermark, deletedBefore: this.#deletedBefore } }

  sent (recordIds: readonly string[], promise: SentPromise): void {
    for (const id of recordIds) this.#sent.set(id, { ...promise, batch: recordIds })
  }

  /** One more than the largest offset that is known to have been given out. */
  get givenOut (): number { return Math.max(0, ...this.#recordAt.keys()) + 1 }

  /** After a loss: `found` are all records that are left, and none that was acknowledged, or seen, below `endOffset` is missing. */
  mustHold (found: ReadonlyMap<number, string>, endOffset: number): void {
    for (const [offset, id] of found) this.#place(id, offset, 'left')
    const startOffset = Math.max(this.#deletableBefore, Math.min(...found.keys()))
    for (const [id, offset] of this.#acknowledged) {
      if (offset >= startOffset && offset < endOffset && !found.has(offset)) this.#fail('lost-write', `record ${id} was acknowledged at ${offset} and stored in an object; it is gone with the WAL`)
    }
  }

  acknowledged (baseOffset: number, recordIds: readonly string[]): void {
    for (const [index, id] of recordIds.entries()) {
      this.#acknowledged.set(id, baseOffset + index)
      this.#place(id, baseOffset + index, 'acknowledged')
    }
    this.#highWatermark = Math.max(this.#highWatermark, baseOffset + recordIds.length)
  }

  deleteRequested (before: number): void { this.#deletableBefore = Math.max(this.#deletableBefore, before) }
  deleteAcknowledged (before: number): void { this.#deletedBefore = Math.max(this.#deletedBefore, before) }

  /** A fetch whose offset was refused as out of range. */
  outOfRange (offset: number, owed: Obligation): void {
    if (offset >= this.#deletableBefore && offset <= owed.highWatermark) this.#fail('lost-write', `offset is out of range, although records up to ${owed.highWatermark} were there. offset=${offset} deletable=${this.#deletableBefore}`)
  }

  read ({ batches, fetchOffset, highWatermark, logStartOffset }: ReadAnswer, owed: Obligation): void {
    if (highWatermark < owed.highWatermark) this.#fail('lost-write', `high watermark went back from ${owed.highWatermark} to ${highWatermark}`)
    if (logStartOffset > this.#deletableBefore) this.#fail('lost-write', `log starts at ${logStartOffset}, deleted was at most what is before ${this.#deletableBefore}`)
    if (logStartOffset >= 0 && logStartOffset < owed.deletedBefore) this.#fail('inconsistent-offsets', `log starts at ${logStartOffset}, all before ${owed.deletedBefore} was deleted`)
    let expected: number | undefined
    for (const { baseOffset, recordIds } of batches) {
      const end = baseOffset + recordIds.length
      if (expected === undefined && (baseOffset > fetchOffset || end <= fetchOffset)) this.#fail('inconsistent-offsets', `first batch [${baseOffset}, ${end}) does not hold the offset asked for. offset=${fetchOffset}`)
      // Records that are deleted while they are read may be left out.
      if (expected !== undefined && baseOffset !== expected && baseOffset > this.#deletableBefore) this.#fail('inconsistent-offsets', `gap between batches. expected=${expected} found=${baseOffset}`)
      if (end > highWatermark) this.#fail('precommitted-read', `batch ends at ${end}, past the high watermark ${highWatermark}`)
      for (const [index, id] of recordIds.entries()) this.#place(id, baseOffset + index, 'read')
      expected = end
    }
    if (expected === undefined && fetchOffset < owed.highWatermark && fetchOffset >= this.#deletableBefore) this.#fail('lost-write', `nothing at offset ${fetchOffset}, records reach up to ${owed.highWatermark}`)
    this.#highWatermark = Math.max(this.#highWatermark, highWatermark)
  }

  /** Held against a read of the whole log, `log` in offset order from its start. */
  whole (startOffset: number, log: readonly string[]): void {
    for (const [id, offset] of this.#acknowledged) {
      if (offset >= startOffset && log[offset - startOffset] !== id) this.#fail('lost-write', `record ${id} was acknowledged at ${offset}, where there is ${log[offset - startOffset] ?? 'nothing'} now`)
      if (offset < startOffset && offset >= this.#deletableBefore) this.#fail('lost-write', `record ${id} was acknowledged at ${offset}; the log starts at ${startOffset}`)
    }
    const seen = new Set<string>()
    const newest = new Map<string, string>()
    for (const id of log) {
      if (seen.has(id)) continue
      seen.add(id)
      const producer = producerOf(id)
      if (!this.#sent.get(id)!.isOrdered) continue
      const before = newest.get(producer)
      newest.set(producer, id)
      if (before === undefined || numberOf(id) > numberOf(before) || this.#isRepetition(before, id, log[0])) continue
      this.#fail('reordering', `record ${numberOf(id)} of producer ${producer} comes after its record ${numberOf(before)}`)
    }
  }

  /**
   * Whether `id` begins the second copy of a plain producer's batch whose first one, cut by a deletion, begins the log and ends with
   * `before`.
   */
  #isRepetition (before: string, id: string, first: string | undefined): boolean {
    const { batch, isUnique } = this.#sent.get(id)!
    return !isUnique && batch.at(-1) === before && first !== undefined && batch.includes(first) && first !== batch[0]
  }

  /** The records of a producer cannot be read at all, although nothing is wrong any more. */
  unreadable (offset: number, why: string): never { return this.#fail('lost-write', `offset ${offset} cannot be read: ${why}`) }
  invented (detail: string): never { return this.#fail('invented-record', detail) }

  #place (id: string, offset: number, how: string): void {
    const sent = this.#sent.get(id)
    if (sent === undefined) this.#fail('invented-record', `record ${id} at ${offset} was never sent here`)
    const there = this.#recordAt.get(offset)
    if (there !== undefined && there !== id) this.#fail('inconsistent-offsets', `offset ${offset} held ${there}, now ${id} is ${how} there`)
    this.#recordAt.set(offset, id)
    const known = this.offsetOf.get(id)
    if (known === undefined) this.offsetOf.set(id, offset)
    else if (known !== offset && sent!.isUnique) this.#fail('duplicate', `record ${id} is ${how} at ${offset} and was at ${known}`)
  }

  #fail (violation: ViolationName, detail: string): never { throw new Violation(violation, `${this.name}: ${detail}`) }
}

/** `producer#number#size`: unique, and enough to tell what the record's value must be. */
export function recordId (producer: string, number: number, size: number): string { return `${producer}#${number}#${size}` }
function producerOf (id: string): string { return id.slice(0, id.indexOf('#')) }
function numberOf (id: string): number { return Number(id.split('#')[1]) }

interface CommitAttempt { readonly offset: number, outcome: 'pending' | 'stored' | 'refused' | 'unknown' }

/** The offsets that one group may find committed for one partition. */
export class CommitHistory {
  readonly name: string
  readonly #attempts: CommitAttempt[] = []
  constructor (name: string) { this.name = name }

  attempt (offset: number): { readonly stored: () => void, readonly refused: () => void, readonly unknown: () => void } {
    const attempt: CommitAttempt = { offset, outcome: 'pending' }
    this.#attempts.push(attempt)
    return { stored: () => { attempt.outcome = 'stored' }, refused: () => { attempt.outcome = 'refused' }, unknown: () => { attempt.outcome = 'unknown' } }
  }

  /** To be called when a fetch of the commit is sent: the check of its answer. */
  fetching (): (offset: number) => void {
    const newestStored = this.#attempts.findLastIndex(({ outcome }) => outcome === 'stored')
    return offset => {
      const isAllowed = (attempt: CommitAttempt, index: number): boolean => index >= newestStored || attempt.outcome === 'unknown' || attempt.outcome === 'pending'
      const allowed = new Set(this.#attempts.filter((attempt, index) => isAllowed(attempt, index) && attempt.outcome !== 'refused').map(attempt => attempt.offset))
      if (newestStored < 0) allowed.add(-1)
      if (!allowed.has(offset)) throw new Violation('lost-commit', `${this.name}: committed offset is ${offset}, expected ${[...allowed].join(' or ')}`)
    }
  }
}

/** Something that sets a committed offset: -1 deletes it. */
export class Attempt {
  readonly offset: number
  readonly begun: number
  readonly #now: () => number
  outcome: 'pending' | 'stored' | 'unknown' = 'pending'
  ended = Infinity
  constructor (offset: number, now: () => number) {
    this.offset = offset
    this.#now = now
    this.begun = now()
  }

  stored (): void { this.#end('stored') }
  unknown (): void { this.#end('unknown') }
  #end (outcome: 'stored' | 'unknown'): void {
    this.outcome = outcome
    this.ended = this.#now()
  }
}

/** What one group may find committed for one partition, when many requests are on their way at once. */
export class OffsetHistory {
  readonly name: string
  #time = 0
  #attempts: Attempt[] = []
  constructor (name: string) {
    this.name = name
    // Nothing is committed at first.
    this.attempt(-1).stored()
  }

  attempt (offset: number): Attempt {
    const attempt = new Attempt(offset, () => ++this.#time)
    this.#attempts.push(attempt)
    return attempt
  }

  /**
   * What a fetch found while nothing was on its way: all that was acknowledged has had its effect, so nothing else may be found
   * again. But a request whose answer was lost may still have its.
   */
  observed (offset: number): void {
    this.#attempts = this.#attempts.filter(({ outcome }) => outcome === 'unknown')
    this.attempt(offset).stored()
  }

  /** As `observed`, once even those are over. */
  fix (offset: number): void {
    this.#attempts = []
    this.attempt(offset).stored()
  }

  /** To be called when a fetch is sent: the check of its answer. */
  fetching (): (offset: number) => void {
    const settled = this.#attempts.filter(({ outcome }) => outcome === 'stored')
    const newest = Math.max(...settled.map(({ begun }) => begun))
    // What was acknowledged before another was even sent is past.
    const past = new Set(settled.filter(({ ended }) => ended < newest))
    return offset => {
      const allowed = new Set(this.#attempts.filter(attempt => !past.has(attempt)).map(attempt => attempt.offset))
      if (allowed.has(offset)) return
      throw new Violation(offset < 0 ? 'lost-commit' : 'undead-commit', `${this.name}: committed offset is ${offset}, expected ${[...allowed].join(' or ')}`)
    }
  }
}

/** A number that, once told, is never followed by a smaller one (or, `strictly`, the same). */
export class Rising {
  readonly #name: string
  #newest = -Infinity
  constructor (name: string) { this.#name = name }

  get newest (): number { return this.#newest }
  /** `owed`: what `newest` was when the question was asked. */
  saw (value: number, owed: number, strictly = false): void {
    if (value < owed || (strictly && value === owed)) throw new Violation('epoch-went-back', `${this.#name}: ${value} after ${owed}`)
    this.#newest = Math.max(this.#newest, value)
  }
}
