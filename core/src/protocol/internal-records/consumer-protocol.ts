import { array, bytes, int32, string } from '../schema/fields.ts'
import { Message } from '../schema/message.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** What a consumer puts into the metadata of its JoinGroup protocols. Opaque to the broker, not to the CLI. */
export const consumerProtocolSubscription = new Message('ConsumerProtocolSubscription', '0-3', 'none', {
  topics: array('0+', 'string'),
  userData: bytes('0+', { nullable: '0+', default: null }),
  ownedPartitions: array('1+', {
    topic: string('1+', { entity: 'topicName' }),
    partitions: array('1+', 'int32')
  }, { ignorable: true }),
  generationId: int32('2+', { default: -1, ignorable: true }),
  rackId: string('3+', { nullable: '3+', default: null, ignorable: true })
})

/** What the leader's assignor gives a consumer through SyncGroup. */
export const consumerProtocolAssignment = new Message('ConsumerProtocolAssignment', '0-3', 'none', {
  assignedPartitions: array('0+', {
    topic: string('0+', { entity: 'topicName' }),
    partitions: array('0+', 'int32')
  }),
  userData: bytes('0+', { nullable: '0+', default: null })
})

export type ConsumerProtocolSubscription = DecodedMessage<typeof consumerProtocolSubscription>
export type ConsumerProtocolSubscriptionInput = EncodableMessage<typeof consumerProtocolSubscription>
export type ConsumerProtocolAssignment = DecodedMessage<typeof consumerProtocolAssignment>
export type ConsumerProtocolAssignmentInput = EncodableMessage<typeof consumerProtocolAssignment>
