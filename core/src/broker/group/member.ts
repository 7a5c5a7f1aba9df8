import { KafkaErrorCode } from '../../protocol/error-codes.ts'

/** One of the assignment strategies that a member can speak, with what it tells the leader. Opaque to the broker. */
export interface MemberProtocol { readonly name: string, readonly metadata: Uint8Array }

export interface JoinRequest {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  /** JoinGroup v4 and later: a new dynamic member first gets its id, then joins with it (KIP-394). */
  readonly requiresKnownMemberId: boolean
  /** JoinGroup v9 and later: a static leader that comes back need not assign (KIP-814). */
  readonly supportsSkippingAssignment: boolean
}

export interface JoinResult {
  readonly errorCode: KafkaErrorCode
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly memberId: string
  readonly skipAssignment: boolean
  /** Only the leader's answer has them. */
  readonly members: readonly { readonly memberId: string, readonly groupInstanceId: string | null, readonly metadata: Uint8Array }[]
}

/** Who a member says it is, and of which generation. */
export interface MemberClaim { readonly memberId: string, readonly groupInstanceId: string | null, readonly generationId: number }

export interface SyncRequest extends MemberClaim {
  /** Null before SyncGroup v5, which says what it joined with. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** The leader's; nobody else has any. */
  readonly assignments: readonly { readonly memberId: string, readonly assignment: Uint8Array }[]
}

export interface SyncResult {
  readonly errorCode: KafkaErrorCode
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Uint8Array
}

export const noBytes: Uint8Array = new Uint8Array(0)

export function joinFailure (errorCode: KafkaErrorCode, memberId = ''): JoinResult {
  return { errorCode, generationId: -1, protocolType: null, protocolName: null, leader: '', memberId, skipAssignment: false, members: [] }
}

export function syncFailure (errorCode: KafkaErrorCode): SyncResult {
  return { errorCode, protocolType: null, protocolName: null, assignment: noBytes }
}

/** A member of a classic group, and the answers that it waits for. */
export interface Member {
  readonly memberId: string
  readonly groupInstanceId: string | null
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Uint8Array
  /** When the session ends unless the member is heard of, in monotonic ms. */
  sessionDueMs: number
  answerJoin: ((result: JoinResult) => void) | undefined
  answerSync: ((result: SyncResult) => void) | undefined
}

/** Waiting for an answer of ours, a member cannot send heartbeats, so its session does not run out. */
export function isWaiting (member: Member): boolean {
  return member.answerJoin !== undefined || member.answerSync !== undefined
}

export function speaksAs (member: Member, protocols: readonly MemberProtocol[]): boolean {
  return member.protocols.length === protocols.length && member.protocols.every(({ metadata, name }, index) => {
    const other = protocols[index]!
    return name === other.name && Buffer.compare(metadata, other.metadata) === 0
  })
}
