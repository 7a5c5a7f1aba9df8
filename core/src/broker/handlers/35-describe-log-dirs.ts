import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { TopicFacts } from '../../metadata/image.ts'
import { logDir } from '../config/configs.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'

/**
 * DescribeLogDirs, versions 1 to 5: one directory that stands for the object store, with the partitions that this node leads.
 * A size is the bytes of a partition in committed objects; what still waits for upload is not counted. How much the
 * store could hold is unknown (-1).
 */
export function describeLogDirsHandler ({ metadata, nodeId }: Pick<BrokerServices, 'metadata' | 'nodeId'>): ApiHandler<typeof ApiKey.DescribeLogDirs> {
  return {
    apiKey: ApiKey.DescribeLogDirs,
    handle: ({ topics: asked }) => {
      const { image } = metadata
      const wanted: readonly { readonly topic: TopicFacts | undefined, readonly indexes: readonly number[] | undefined }[] = asked === null
        ? [...image.topics()].map(topic => ({ topic, indexes: undefined }))
        : asked.map(({ partitions, topic }) => ({ topic: image.topicNamed(topic), indexes: partitions }))
      const topics = wanted.flatMap(({ indexes, topic }) => {
        if (topic === undefined) return []
        const partitions = [...new Set(indexes ?? topic.partitions.keys())].flatMap(partitionIndex => {
          const facts = topic.partitions[partitionIndex]
          if (facts === undefined || image.stream(facts.dataStreamId)?.ownerNodeId !== nodeId) return []
          const partitionSize = image.ranges(facts.dataStreamId).reduce((sum, { bytes }) => sum + bytes, 0)
          return [{ partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false }]
        })
        return partitions.length === 0 ? [] : [{ name: topic.name, partitions }]
      })
      return { throttleTimeMs: 0, errorCode: KafkaErrorCode.NONE, results: [{ errorCode: KafkaErrorCode.NONE, logDir, topics, totalBytes: -1, usableBytes: -1, isCordoned: false }] }
    }
  }
}
