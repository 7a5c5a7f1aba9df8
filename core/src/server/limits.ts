/** Bounds of the network server. Sizes in bytes, times in ms. */
export interface ServerLimits {
  /** Kafka's `socket.request.max.bytes`. */
  readonly requestBytesMax: number
  /** Kafka's `max.connections`. */
  readonly connectionsMax: number
  /** Kafka's `connections.max.idle.ms`. */
  readonly idleMsMax: number
  /** Requests of one connection that may wait for their answers before it is read no further. */
  readonly inFlightMax: number
  /** What all requests in flight may cost before connections are read no further; and bytes of all that have come only in part, at which the largest is cut off. */
  readonly inFlightBytesMax: number
  /** What all answers that clients have not taken may cost; past it, those that stall longest are cut off. */
  readonly unsentBytesMax: number
}

const MiB = 1024 * 1024

export const defaultServerLimits: ServerLimits = Object.freeze({
  requestBytesMax: 100 * MiB,
  connectionsMax: 10_000,
  idleMsMax: 600_000,
  inFlightMax: 128,
  inFlightBytesMax: 256 * MiB,
  unsentBytesMax: 256 * MiB
})
