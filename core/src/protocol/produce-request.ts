import { corrupt } from './protocol-error.ts'
import type { Reader } from './primitives/reader.ts'
import { ZERO_UUID } from './primitives/uuid.ts'
import type { ProduceRequest } from './messages/00-produce.ts'

type Topic = ProduceRequest['topicData'][number]
type Partition = Topic['partitionData'][number]

const compactFrom = 9
const topicIdFrom = 13

/**
 * Reads the body of a Produce request, versions 3 to 13: the same result as the table in 00-produce.ts gives (a test
 * holds them together), without a call per field through the table's closures. Records are views of the frame.
 */
export function readProduceRequest (reader: Reader, version: number): ProduceRequest {
  const compact = version >= compactFrom
  const transactionalId = compact ? reader.compactString() : reader.string()
  const acks = reader.int16()
  const timeoutMs = reader.int32()
  const count = compact ? reader.compactArrayCount(3) : reader.arrayCount(6)
  if (count < 0) throw corrupt('null where a value must be. field=ProduceRequest.topicData')
  const topicData: Topic[] = []
  for (let i = 0; i < count; i++) topicData.push(readTopic(reader, version, compact))
  if (compact) reader.skipTags()
  return { transactionalId, acks, timeoutMs, topicData }
}

function readTopic (reader: Reader, version: number, compact: boolean): Topic {
  let name: string | null = ''
  let topicId = ZERO_UUID
  if (version >= topicIdFrom) topicId = reader.uuid()
  else name = compact ? reader.compactString() : reader.string()
  if (name === null) throw corrupt('null where a value must be. field=ProduceRequest.topicData.name')
  const count = compact ? reader.compactArrayCount(6) : reader.arrayCount(8)
  if (count < 0) throw corrupt('null where a value must be. field=ProduceRequest.topicData.partitionData')
  const partitionData: Partition[] = []
  for (let i = 0; i < count; i++) {
    const index = reader.int32()
    const records = compact ? reader.compactByteArray() : reader.byteArray()
    if (compact) reader.skipTags()
    partitionData.push({ index, records })
  }
  if (compact) reader.skipTags()
  return { name, topicId, partitionData }
}
