import { int32, string, uuid, wideInt64 } from '../schema/fields.ts'
import { Message } from '../schema/message.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Key types 0 and 1 of `__consumer_offsets`: which partition a group has consumed. */
export const offsetCommitKey = new Message('OffsetCommitKey', '0', 'none', {
  group: string('0'),
  topic: string('0'),
  partition: int32('0')
})

/** How far it has. Version 1 alone has an expiry of its own, version 4 is flexible and names the topic's id. */
export const offsetCommitValue = new Message('OffsetCommitValue', '0-4', '4+', {
  offset: wideInt64('0+'),
  leaderEpoch: int32('3+', { default: -1, ignorable: true }),
  metadata: string('0+'),
  commitTimestamp: wideInt64('0+'),
  expireTimestamp: wideInt64('1', { default: -1, ignorable: true }),
  topicId: uuid('4+', { ignorable: true, tag: 0 })
})

export type OffsetCommitKey = DecodedMessage<typeof offsetCommitKey>
export type OffsetCommitKeyInput = EncodableMessage<typeof offsetCommitKey>
export type OffsetCommitValue = DecodedMessage<typeof offsetCommitValue>
export type OffsetCommitValueInput = EncodableMessage<typeof offsetCommitValue>
