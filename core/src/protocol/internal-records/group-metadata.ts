import { array, bytes, int32, string, wideInt64 } from '../schema/fields.ts'
import { Message } from '../schema/message.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

const memberMetadata = {
  memberId: string('0+'),
  groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  clientId: string('0+'),
  clientHost: string('0+'),
  rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
  sessionTimeout: int32('0+'),
  subscription: bytes('0+'),
  assignment: bytes('0+')
}

/** Key type 2 of `__consumer_offsets`: a classic group. */
export const groupMetadataKey = new Message('GroupMetadataKey', '0', 'none', {
  group: string('0')
})

/** Its generation and members. */
export const groupMetadataValue = new Message('GroupMetadataValue', '0-4', '4+', {
  protocolType: string('0+'),
  generation: int32('0+'),
  protocol: string('0+', { nullable: '0+' }),
  leader: string('0+', { nullable: '0+' }),
  currentStateTimestamp: wideInt64('2+', { default: -1, ignorable: true }),
  members: array('0+', memberMetadata)
})

export type GroupMetadataKey = DecodedMessage<typeof groupMetadataKey>
export type GroupMetadataKeyInput = EncodableMessage<typeof groupMetadataKey>
export type GroupMetadataValue = DecodedMessage<typeof groupMetadataValue>
export type GroupMetadataValueInput = EncodableMessage<typeof groupMetadataValue>
