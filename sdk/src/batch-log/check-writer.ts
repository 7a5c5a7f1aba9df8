import { StreambedError } from '../errors.ts'
import type { WalWriter } from '../wal.ts'

export const clusterIdBytesMax = 128

/** Refuses with INVALID_ARGUMENT what the formats have no place for. */
export function checkWriter ({ clusterId, nodeId, writerEpoch }: WalWriter): void {
  if (!Number.isSafeInteger(writerEpoch) || writerEpoch < 0 || !Number.isSafeInteger(nodeId) || nodeId < 0 || nodeId > 0x7fff_ffff) {
    throw new StreambedError('INVALID_ARGUMENT', `node and epoch must be whole numbers from 0. nodeId=${nodeId} writerEpoch=${writerEpoch}`)
  }
  const bytes = new TextEncoder().encode(clusterId).length
  if (bytes === 0 || bytes > clusterIdBytesMax) {
    throw new StreambedError('INVALID_ARGUMENT', `a cluster id has 1 to ${clusterIdBytesMax} bytes. bytes=${bytes}`)
  }
}
