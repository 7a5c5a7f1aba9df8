import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import {
  isWaiting, joinFailure, noBytes, speaksAs, syncFailure,
  type JoinRequest, type JoinResult, type Member, type MemberClaim, type SyncRequest, type SyncResult
} from './member.ts'
import { saveable, type Membership } from './membership.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface GroupOptions {
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly maxSize: number
  /** How long the first rebalance of an empty group waits for more members. */
  readonly initialRebalanceDelayMs: number
}

export interface GroupParts {
  readonly groupId: string
  readonly options: () => GroupOptions
  /** Makes the random part of a member id. */
  readonly newId: () => string
  /**
   * Appends what is to become durable, before it returns: NONE, or the error to tell members when nothing happened. Then calls
   * `onDurable`, with the monotonic time; not when the outcome stays unknown, after which the group is killed.
   */
  readonly save: (membership: Membership, onDurable: (nowMs: number) => void) => KafkaErrorCode
}

/**
 * A classic consumer group: Kafka's rebalance protocol as a state machine. It owns no clock: callers pass the monotonic
 * time, and call `onTime` when `dueMs` comes. Answers that must wait are promises; it awaits none itself. What it saves it names
 * whole, so nothing half made gets into a log.
 */
export class Group {
  readonly groupId: string
  readonly #parts: GroupParts
  readonly #members = new Map<string, Member>()
  /** Member ids by group instance id. */
  readonly #statics = new Map<string, string>()
  /** Ids handed out by KIP-394 and not come back yet, with the time when they are given up. */
  readonly #pendingIds = new Map<string, number>()
  /** Static members whose new id is being saved, by that id. */
  readonly #renaming = new Map<string, (result: JoinResult) => void>()
  #state: GroupState = 'Empty'
  #generationId = 0
  #protocolType = ''
  #protocolName: string | null = null
  #leaderId: string | null = null
  /** When the rebalance at hand goes on with those who joined, or drops those who did not sync. */
  #rebalanceDueMs = Infinity
  /** The first rebalance waits for its time even when all have joined; until then each newcomer prolongs it. */
  #initialUntilMs: number | undefined

  constructor (parts: GroupParts) {
    this.groupId = parts.groupId
    this.#parts = parts
  }

  get state (): GroupState { return this.#state }
  get generationId (): number { return this.#generationId }
  get protocolType (): string { return this.#protocolType }
  get protocolName (): string | null { return this.#protocolName }
  get leaderId (): string | null { return this.#leaderId }
  get members (): Iterable<Member> { return this.#members.values() }
  get memberCount (): number { return this.#members.size }
  get hasPendingIds (): boolean { return this.#pendingIds.size > 0 }

  /** When `onTime` must be called next, in monotonic ms. */
  get dueMs (): number {
    let due = this.#rebalanceDueMs
    for (const member of this.#members.values()) if (!isWaiting(member)) due = Math.min(due, member.sessionDueMs)
    for (const pendingDue of this.#pendingIds.values()) due = Math.min(due, pendingDue)
    return due
  }

  /** Takes over what an earlier coordinator saved. Members have a whole session to be heard of. */
  restore (saved: Membership, nowMs: number): void {
    this.#protocolType = saved.protocolType
    this.#protocolName = saved.protocolName
    this.#generationId = saved.generationId
    this.#leaderId = saved.leaderId
    this.#members.clear()
    this.#statics.clear()
    for (const member of saved.members) {
      this.#add({ ...member, sessionDueMs: nowMs + member.sessionTimeoutMs, answerJoin: undefined, answerSync: undefined })
    }
    this.#state = this.#members.size === 0 ? 'Empty' : 'Stable'
  }

  join (request: JoinRequest, nowMs: number): Promise<JoinResult> {
    const { memberId, groupInstanceId } = request
    const refusal = this.#joinRefusal(request)
    if (refusal !== undefined) return Promise.resolve(joinFailure(refusal, memberId))
    const staticId = groupInstanceId === null ? undefined : this.#statics.get(groupInstanceId)
    if (memberId === '') {
      if (staticId !== undefined) return this.#replaceStatic(this.#members.get(staticId)!, request, nowMs)
      return this.#admitNew(request, nowMs)
    }
    if (groupInstanceId !== null && staticId === undefined) return Promise.resolve(joinFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID, memberId))
    if (staticId !== undefined && staticId !== memberId) return Promise.resolve(joinFailure(KafkaErrorCode.FENCED_INSTANCE_ID, memberId))
    if (this.#pendingIds.delete(memberId)) return this.#admit(memberId, request, nowMs)
    const member = this.#members.get(memberId)
    if (member === undefined) return Promise.resolve(joinFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID, memberId))
    return this.#rejoin(member, request, nowMs)
  }

  sync (request: SyncRequest, nowMs: number): Promise<SyncResult> {
    const refusal = this.validate(request)
    if (refusal !== KafkaErrorCode.NONE) return Promise.resolve(syncFailure(refusal))
    const { protocolName, protocolType } = request
    const speaksOther = (protocolType !== null && protocolType !== this.#protocolType) ||
      (protocolName !== null && protocolName !== this.#protocolName)
    if (speaksOther) return Promise.resolve(syncFailure(KafkaErrorCode.INCONSISTENT_GROUP_PROTOCOL))
    const member = this.#members.get(request.memberId)!
    switch (this.#state) {
      case 'PreparingRebalance': return Promise.resolve(syncFailure(KafkaErrorCode.REBALANCE_IN_PROGRESS))
      case 'Stable':
        this.#heardOf(member, nowMs)
        return Promise.resolve(this.#assignmentOf(member))
      case 'CompletingRebalance': {
        const answer = new Promise<SyncResult>(resolve => {
          member.answerSync?.(syncFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID))
          member.answerSync = resolve
        })
        if (request.memberId === this.#leaderId) this.#assign(request.assignments, nowMs)
        return answer
      }
      default: return Promise.resolve(syncFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID))
    }
  }

  heartbeat (request: MemberClaim, nowMs: number): KafkaErrorCode {
    const refusal = this.validate(request)
    if (refusal !== KafkaErrorCode.NONE) return refusal
    // Also while a rebalance goes on: the member is alive and about to join again.
    this.#heardOf(this.#members.get(request.memberId)!, nowMs)
    return this.#state === 'PreparingRebalance' ? KafkaErrorCode.REBALANCE_IN_PROGRESS : KafkaErrorCode.NONE
  }

  /** Leaves by member id, or by instance id with an empty member id. */
  leave (request: { readonly memberId: string, readonly groupInstanceId: string | null }, nowMs: number): KafkaErrorCode {
    const { groupInstanceId, memberId } = request
    if (this.#pendingIds.delete(memberId)) {
      this.#maybeComplete(nowMs)
      return KafkaErrorCode.NONE
    }
    const staticId = groupInstanceId === null ? undefined : this.#statics.get(groupInstanceId)
    if (groupInstanceId !== null && staticId === undefined) return KafkaErrorCode.UNKNOWN_MEMBER_ID
    if (staticId !== undefined && memberId !== '' && memberId !== staticId) return KafkaErrorCode.FENCED_INSTANCE_ID
    const member = this.#members.get(staticId ?? memberId)
    if (member === undefined) return KafkaErrorCode.UNKNOWN_MEMBER_ID
    this.#remove(member)
    this.#afterRemoval(nowMs)
    return KafkaErrorCode.NONE
  }

  /** Whether a request of this member, at this generation, is of the group as it is now. */
  validate (request: MemberClaim): KafkaErrorCode {
    if (this.#state === 'Dead') return KafkaErrorCode.COORDINATOR_NOT_AVAILABLE
    const { generationId, groupInstanceId, memberId } = request
    if (groupInstanceId !== null) {
      const staticId = this.#statics.get(groupInstanceId)
      if (staticId === undefined) return KafkaErrorCode.UNKNOWN_MEMBER_ID
      if (staticId !== memberId) return KafkaErrorCode.FENCED_INSTANCE_ID
    }
    if (!this.#members.has(memberId)) return KafkaErrorCode.UNKNOWN_MEMBER_ID
    return generationId === this.#generationId ? KafkaErrorCode.NONE : KafkaErrorCode.ILLEGAL_GENERATION
  }

  /** Whether a commit may be stored. A commit of a member keeps its session alive. */
  validateCommit (request: MemberClaim, nowMs: number): KafkaErrorCode {
    if (this.#state === 'Dead') return KafkaErrorCode.COORDINATOR_NOT_AVAILABLE
    if (request.generationId < 0 && request.memberId === '' && request.groupInstanceId === null) {
      // From outside the membership: admin tools, and consumers that assign themselves.
      return this.#members.size === 0 ? KafkaErrorCode.NONE : KafkaErrorCode.UNKNOWN_MEMBER_ID
    }
    const refusal = this.validate(request)
    if (refusal !== KafkaErrorCode.NONE) return refusal
    if (this.#state === 'CompletingRebalance') return KafkaErrorCode.REBALANCE_IN_PROGRESS
    this.#heardOf(this.#members.get(request.memberId)!, nowMs)
    return KafkaErrorCode.NONE
  }

  /** Does what time has brought: sessions that ended, ids not used, rebalances that waited long enough. */
  onTime (nowMs: number): void {
    for (const [memberId, dueMs] of [...this.#pendingIds]) if (dueMs <= nowMs) this.#pendingIds.delete(memberId)
    const silent = [...this.#members.values()].filter(member => !isWaiting(member) && member.sessionDueMs <= nowMs)
    for (const member of silent) this.#remove(member)
    if (silent.length > 0) this.#afterRemoval(nowMs)
    if (this.#rebalanceDueMs <= nowMs) {
      if (this.#state === 'PreparingRebalance') this.#complete(nowMs)
      else if (this.#state === 'CompletingRebalance') this.#dropUnsynced(nowMs)
    } else this.#maybeComplete(nowMs)
  }

  /** Ends the group: nobody may use it any more. Everybody who waits is told to look for the coordinator again. */
  kill (errorCode: KafkaErrorCode): void {
    for (const member of this.#members.values()) {
      member.answerJoin?.(joinFailure(errorCode, member.memberId))
      member.answerSync?.(syncFailure(errorCode))
    }
    for (const [memberId, answer] of this.#renaming) answer(joinFailure(errorCode, memberId))
    this.#members.clear()
    this.#statics.clear()
    this.#pendingIds.clear()
    this.#state = 'Dead'
    this.#rebalanceDueMs = Infinity
  }

  #joinRefusal (request: JoinRequest): KafkaErrorCode | undefined {
    const { maxSessionTimeoutMs, maxSize, minSessionTimeoutMs } = this.#parts.options()
    if (this.#state === 'Dead') return KafkaErrorCode.COORDINATOR_NOT_AVAILABLE
    if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) return KafkaErrorCode.INVALID_SESSION_TIMEOUT
    if (request.protocolType === '' || request.protocols.length === 0) return KafkaErrorCode.INCONSISTENT_GROUP_PROTOCOL
    const isMember = this.#members.has(request.memberId) || (request.groupInstanceId !== null && this.#statics.has(request.groupInstanceId))
    if (!isMember && this.#members.size + this.#pendingIds.size >= maxSize && !this.#pendingIds.has(request.memberId)) return KafkaErrorCode.GROUP_MAX_SIZE_REACHED
    if (this.#members.size === 0) return undefined
    if (request.protocolType !== this.#protocolType) return KafkaErrorCode.INCONSISTENT_GROUP_PROTOCOL
    const others = [...this.#members.values()].filter(member => member.memberId !== request.memberId && (request.groupInstanceId === null || member.groupInstanceId !== request.groupInstanceId))
    const isShared = request.protocols.some(({ name }) => others.every(member => member.protocols.some(protocol => protocol.name === name)))
    return isShared ? undefined : KafkaErrorCode.INCONSISTENT_GROUP_PROTOCOL
  }

  #admitNew (request: JoinRequest, nowMs: number): Promise<JoinResult> {
    const memberId = `${request.groupInstanceId ?? request.clientId}-${this.#parts.newId()}`
    if (request.requiresKnownMemberId && request.groupInstanceId === null) {
      this.#pendingIds.set(memberId, nowMs + request.sessionTimeoutMs)
      return Promise.resolve(joinFailure(KafkaErrorCode.MEMBER_ID_REQUIRED, memberId))
    }
    return this.#admit(memberId, request, nowMs)
  }

  #admit (memberId: string, request: JoinRequest, nowMs: number): Promise<JoinResult> {
    const member: Member = {
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: request.clientId,
      clientHost: request.clientHost,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      protocols: request.protocols,
      assignment: noBytes,
      sessionDueMs: nowMs + request.sessionTimeoutMs,
      answerJoin: undefined,
      answerSync: undefined
    }
    if (this.#members.size === 0) this.#protocolType = request.protocolType
    this.#add(member)
    const answer = this.#awaitJoin(member)
    if (this.#state === 'PreparingRebalance' && this.#initialUntilMs !== undefined) {
      this.#rebalanceDueMs = Math.min(nowMs + this.#parts.options().initialRebalanceDelayMs, this.#initialUntilMs)
    }
    this.#prepare(nowMs)
    return answer
  }

  /** A known member asks again: because it must, because its subscription changed, or because an answer was lost. */
  #rejoin (member: Member, request: JoinRequest, nowMs: number): Promise<JoinResult> {
    const isSame = speaksAs(member, request.protocols)
    this.#update(member, request)
    this.#heardOf(member, nowMs)
    const needsRebalance = this.#state === 'PreparingRebalance' || this.#state === 'Empty' || !isSame ||
      (this.#state === 'Stable' && member.memberId === this.#leaderId)
    if (!needsRebalance) return Promise.resolve(this.#joined(member, false))
    const answer = this.#awaitJoin(member)
    this.#prepare(nowMs)
    return answer
  }

  /** A static member came back without its id: it gets a new one, and whoever held the old one is fenced. */
  #replaceStatic (old: Member, request: JoinRequest, nowMs: number): Promise<JoinResult> {
    const memberId = `${request.groupInstanceId}-${this.#parts.newId()}`
    const member: Member = { ...old, memberId, answerJoin: undefined, answerSync: undefined }
    this.#update(member, request)
    if (this.#state === 'Stable' && speaksAs(old, request.protocols)) return this.#renameStatic(old, member, request, nowMs)
    this.#putInPlaceOf(old, member, nowMs)
    const answer = this.#awaitJoin(member)
    this.#prepare(nowMs)
    return answer
  }

  /** Nothing changes for the group but the member's id: the generation stays, and old leaders are not asked to assign again. */
  #renameStatic (old: Member, member: Member, { supportsSkippingAssignment }: JoinRequest, nowMs: number): Promise<JoinResult> {
    const { memberId } = member
    const wasLeader = this.#leaderId === old.memberId
    const renamed = this.#membership()
    const { promise, resolve } = Promise.withResolvers<JoinResult>()
    const saved = this.#parts.save({
      ...renamed,
      leaderId: wasLeader ? memberId : renamed.leaderId,
      members: renamed.members.map(other => other.memberId === old.memberId ? saveable(member, this.#protocolName) : other)
    }, () => {
      // Meanwhile it may have been removed, or the group may rebalance: then it learns of that as any member does.
      if (!this.#members.has(memberId)) resolve(joinFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID, memberId))
      else if (supportsSkippingAssignment || !wasLeader) resolve(this.#joined(member, wasLeader))
      else resolve({ ...this.#joined(member, false), leader: old.memberId, members: [] })
    })
    if (saved !== KafkaErrorCode.NONE) return Promise.resolve(joinFailure(saved, memberId))
    this.#putInPlaceOf(old, member, nowMs)
    this.#renaming.set(memberId, resolve)
    return promise.finally(() => this.#renaming.delete(memberId))
  }

  #putInPlaceOf (old: Member, member: Member, nowMs: number): void {
    old.answerJoin?.(joinFailure(KafkaErrorCode.FENCED_INSTANCE_ID, old.memberId))
    old.answerSync?.(syncFailure(KafkaErrorCode.FENCED_INSTANCE_ID))
    const wasLeader = this.#leaderId === old.memberId
    this.#members.delete(old.memberId)
    this.#add(member)
    if (wasLeader) this.#leaderId = member.memberId
    this.#heardOf(member, nowMs)
  }

  #update (member: Member, request: JoinRequest): void {
    member.protocols = request.protocols
    member.clientId = request.clientId
    member.clientHost = request.clientHost
    member.sessionTimeoutMs = request.sessionTimeoutMs
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
  }

  #awaitJoin (member: Member): Promise<JoinResult> {
    member.answerJoin?.(joinFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID, member.memberId))
    return new Promise(resolve => { member.answerJoin = resolve })
  }

  /** Starts a rebalance, unless one is on its way, and ends it if nobody is missing. */
  #prepare (nowMs: number): void {
    if (this.#state !== 'PreparingRebalance') {
      const wasEmpty = this.#state === 'Empty'
      // Those who wait for an assignment of the old generation must join again.
      for (const member of this.#members.values()) this.#answerSync(member, syncFailure(KafkaErrorCode.REBALANCE_IN_PROGRESS))
      this.#state = 'PreparingRebalance'
      const untilMs = nowMs + this.#rebalanceTimeoutMs()
      const delayMs = this.#parts.options().initialRebalanceDelayMs
      this.#initialUntilMs = wasEmpty && delayMs > 0 ? untilMs : undefined
      this.#rebalanceDueMs = this.#initialUntilMs === undefined ? untilMs : Math.min(nowMs + delayMs, untilMs)
    }
    this.#maybeComplete(nowMs)
  }

  #maybeComplete (nowMs: number): void {
    if (this.#state !== 'PreparingRebalance' || this.#initialUntilMs !== undefined || this.#pendingIds.size > 0) return
    for (const member of this.#members.values()) if (member.answerJoin === undefined) return
    this.#complete(nowMs)
  }

  /** Goes on with those who joined. Dynamic members who did not are out; static ones stay. */
  #complete (nowMs: number): void {
    this.#initialUntilMs = undefined
    for (const member of [...this.#members.values()]) {
      if (member.answerJoin === undefined && member.groupInstanceId === null) this.#remove(member)
    }
    const joined = [...this.#members.values()].filter(member => member.answerJoin !== undefined)
    if (this.#members.size === 0) return this.#becomeEmpty()
    if (joined.length === 0) {
      this.#rebalanceDueMs = nowMs + this.#rebalanceTimeoutMs()
      return
    }
    this.#generationId++
    this.#protocolName = this.#vote()
    if (!joined.some(member => member.memberId === this.#leaderId)) this.#leaderId = joined[0]!.memberId
    this.#state = 'CompletingRebalance'
    this.#rebalanceDueMs = nowMs + this.#rebalanceTimeoutMs()
    for (const member of joined) {
      const answer = member.answerJoin!
      member.answerJoin = undefined
      this.#heardOf(member, nowMs)
      answer(this.#joined(member, false))
    }
  }

  /** Those who joined but never asked for their assignment are out, and the rest begin anew. */
  #dropUnsynced (nowMs: number): void {
    const missing = [...this.#members.values()].filter(member => member.answerSync === undefined)
    for (const member of missing) this.#remove(member)
    if (this.#members.size === 0) this.#becomeEmpty()
    else this.#prepare(nowMs)
  }

  /** The leader's assignment is made durable before anybody acts on it. */
  #assign (assignments: SyncRequest['assignments'], nowMs: number): void {
    const generationId = this.#generationId
    const byMember = new Map(assignments.map(({ assignment, memberId }) => [memberId, assignment]))
    const membership = this.#membership()
    const saved = this.#parts.save({
      ...membership,
      members: membership.members.map(member => ({ ...member, assignment: byMember.get(member.memberId) ?? noBytes }))
    }, durableMs => {
      if (this.#state === 'CompletingRebalance' && this.#generationId === generationId) this.#stabilise(byMember, durableMs)
    })
    if (saved === KafkaErrorCode.NONE) return
    for (const member of this.#members.values()) this.#answerSync(member, syncFailure(saved))
    this.#prepare(nowMs)
  }

  #stabilise (assignments: ReadonlyMap<string, Uint8Array>, nowMs: number): void {
    this.#state = 'Stable'
    this.#rebalanceDueMs = Infinity
    for (const member of this.#members.values()) {
      member.assignment = assignments.get(member.memberId) ?? noBytes
      this.#heardOf(member, nowMs)
      this.#answerSync(member, this.#assignmentOf(member))
    }
  }

  #afterRemoval (nowMs: number): void {
    switch (this.#state) {
      case 'Stable':
      case 'CompletingRebalance': return this.#members.size === 0 ? this.#becomeEmpty() : this.#prepare(nowMs)
      case 'PreparingRebalance': return this.#members.size === 0 && this.#pendingIds.size === 0 ? this.#becomeEmpty() : this.#maybeComplete(nowMs)
      default:
    }
  }

  #becomeEmpty (): void {
    this.#state = 'Empty'
    this.#generationId++
    this.#protocolName = null
    this.#leaderId = null
    this.#rebalanceDueMs = Infinity
    this.#initialUntilMs = undefined
    // Nobody waits for it. Not saved, the last generation is what a restart finds, and its members fall silent there.
    this.#parts.save(this.#membership(), () => undefined)
  }

  #membership (): Membership {
    return {
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      generationId: this.#generationId,
      leaderId: this.#leaderId,
      members: Array.from(this.#members.values(), member => saveable(member, this.#protocolName))
    }
  }

  /** Each member votes for the first of its protocols that all speak; the most votes win. */
  #vote (): string {
    const members = [...this.#members.values()]
    const votes = new Map<string, number>()
    for (const member of members) {
      const choice = member.protocols.find(({ name }) => members.every(other => other.protocols.some(protocol => protocol.name === name)))
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    const [winner] = [...votes].sort(([, left], [, right]) => right - left)
    return winner?.[0] ?? ''
  }

  #joined (member: Member, skipAssignment: boolean): JoinResult {
    const isLeader = member.memberId === this.#leaderId
    return {
      errorCode: KafkaErrorCode.NONE,
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leader: this.#leaderId ?? '',
      memberId: member.memberId,
      skipAssignment,
      members: isLeader ? [...this.#members.values()].map(other => this.#described(other)) : []
    }
  }

  #described (member: Member): JoinResult['members'][number] {
    const metadata = member.protocols.find(({ name }) => name === this.#protocolName)?.metadata ?? noBytes
    return { memberId: member.memberId, groupInstanceId: member.groupInstanceId, metadata }
  }

  #assignmentOf (member: Member): SyncResult {
    return { errorCode: KafkaErrorCode.NONE, protocolType: this.#protocolType, protocolName: this.#protocolName, assignment: member.assignment }
  }

  #answerSync (member: Member, result: SyncResult): void {
    const answer = member.answerSync
    member.answerSync = undefined
    answer?.(result)
  }

  #add (member: Member): void {
    this.#members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.#statics.set(member.groupInstanceId, member.memberId)
  }

  #remove (member: Member): void {
    member.answerJoin?.(joinFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID, member.memberId))
    member.answerSync?.(syncFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID))
    member.answerJoin = undefined
    member.answerSync = undefined
    this.#members.delete(member.memberId)
    if (member.groupInstanceId !== null) this.#statics.delete(member.groupInstanceId)
    if (this.#leaderId === member.memberId) this.#leaderId = null
  }

  #rebalanceTimeoutMs (): number {
    let longest = 0
    for (const member of this.#members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
    return longest
  }

  #heardOf (member: Member, nowMs: number): void { member.sessionDueMs = nowMs + member.sessionTimeoutMs }
}
