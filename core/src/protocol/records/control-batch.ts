import { corrupt } from '../protocol-error.ts'
import { isControl } from './batch-header.ts'
import { decodeRecords } from './decode-records.ts'
import { encodeBatch } from './encode-batch.ts'

/** Kafka knows further types, of its own metadata log; readers ignore them. */
export const ControlType = { Abort: 0, Commit: 1 } as const
export type ControlType = (typeof ControlType)[keyof typeof ControlType]

export interface TransactionMarker {
  readonly type: ControlType
  readonly coordinatorEpoch: number
}

export interface MarkerOptions extends TransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  /** In ms. */
  readonly timestamp: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

/** The batch that ends a producer's transaction in a partition. It takes one offset and is never compressed. */
export function encodeMarker (options: MarkerOptions): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(options.type, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(options.coordinatorEpoch, 2)
  const { producerId, producerEpoch, timestamp, baseOffset = 0, partitionLeaderEpoch = -1 } = options
  return encodeBatch([{ key, value }], {
    timestamp, baseOffset, partitionLeaderEpoch, producerId, producerEpoch, isTransactional: true, isControl: true
  })
}

/** What a control batch says; undefined for a type that is neither commit nor abort. Throws CORRUPT for any other batch. */
export function decodeMarker (batch: Uint8Array, at = 0): TransactionMarker | undefined {
  const record = isControl(batch, at) ? decodeRecords(batch, batch.length, at)[0] : undefined
  const { key, value } = record ?? { key: null, value: null }
  if (key === null || key.length < 4) throw corrupt(`not a control batch. at=${at}`)
  const type = Buffer.from(key).readInt16BE(2)
  if (type !== ControlType.Abort && type !== ControlType.Commit) return undefined
  if (value === null || value.length < 6) throw corrupt(`transaction marker without its epoch. at=${at}`)
  return { type, coordinatorEpoch: Buffer.from(value).readInt32BE(2) }
}
