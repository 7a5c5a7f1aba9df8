import type { StreamId } from '../storage/catalog/catalog.ts'
import type { ClusterImage } from './image.ts'

/** What each stream is called: its partition, `topic-0`, or that partition's checkpoints. */
export function streamNames (image: ClusterImage): ReadonlyMap<StreamId, string> {
  const names = new Map<StreamId, string>()
  for (const { name, partitions } of image.topics()) {
    for (const [index, { checkpointStreamId, dataStreamId }] of partitions.entries()) {
      names.set(dataStreamId, `${name}-${index}`)
      names.set(checkpointStreamId, `${name}-${index} checkpoints`)
    }
  }
  return names
}
