import { StreambedError, type WalWriter } from '@streambed/sdk'

// From the highest bit: 8 that say it is ours, 16 of the node id, 40 of the epoch.
const mark = 0x5bn
const epochBits = 40n
const nodeBits = 16n

/** Identifies a writer to a device. Never 0, which devices take for "none". */
export function keyOf ({ nodeId, writerEpoch }: Pick<WalWriter, 'nodeId' | 'writerEpoch'>): bigint {
  const epoch = BigInt(writerEpoch)
  if (epoch >> epochBits !== 0n) throw new StreambedError('UNSUPPORTED', `a reservation key has place for epochs below 2^${epochBits}. writerEpoch=${writerEpoch}`)
  return (mark << nodeBits | BigInt.asUintN(Number(nodeBits), BigInt(nodeId))) << epochBits | epoch
}

/** Undefined when the key is not one of this node. */
export function epochOfKey (key: bigint, nodeId: number): number | undefined {
  const epoch = Number(BigInt.asUintN(Number(epochBits), key))
  return keyOf({ nodeId, writerEpoch: epoch }) === key ? epoch : undefined
}
