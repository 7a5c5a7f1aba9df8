import type { Random } from '@streambed/sdk'
import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'

/** Kafka keeps this one for its metadata topic. */
const reserved = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** A random topic id that Kafka would hand out too: none of the reserved ones, none that reads as an option on a command line. */
export function newTopicId (random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    bytes[6] = bytes[6]! & 0x0f | 0x40
    bytes[8] = bytes[8]! & 0x3f | 0x80
    const topicId = Buffer.from(bytes).toString('base64url')
    if (!topicId.startsWith('-') && topicId !== ZERO_UUID && topicId !== reserved) return topicId
  }
}
