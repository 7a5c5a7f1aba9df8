import type { Member } from './member.ts'

/** What becomes durable of a group: a generation, who is in it, and what each was assigned. */
export interface Membership {
  readonly protocolType: string
  readonly protocolName: string | null
  readonly generationId: number
  readonly leaderId: string | null
  readonly members: readonly Omit<Member, 'sessionDueMs' | 'answerJoin' | 'answerSync'>[]
}

/** As the log keeps a member: of what it speaks, only the protocol that was chosen. */
export function saveable (member: Member, protocolName: string | null): Membership['members'][number] {
  const { assignment, clientHost, clientId, groupInstanceId, memberId, protocols, rebalanceTimeoutMs, sessionTimeoutMs } = member
  const spoken = protocols.filter(({ name }) => name === protocolName)
  return { memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols: spoken, assignment }
}
