import { decodeVersioned } from '../../protocol/internal-records/versioned.ts'
import { consumerProtocolSubscription } from '../../protocol/internal-records/consumer-protocol.ts'
import type { Member } from './member.ts'

/** What the members read; `all` when one of them says it in a way that cannot be read. */
export function subscriptionsOf (members: Iterable<Member>): ReadonlySet<string> | 'all' {
  const topics = new Set<string>()
  try {
    for (const { protocols } of members) {
      for (const { metadata } of protocols) {
        for (const topic of decodeVersioned(consumerProtocolSubscription, metadata).topics) topics.add(topic)
      }
    }
  } catch {
    return 'all'
  }
  return topics
}
