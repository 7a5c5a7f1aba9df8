/** Kafka's "not asked for". */
export const noOperations = -0x8000_0000

/**
 * Operations by their codes (KIP-430), as bits: all that a resource kind knows, since without an authorizer everybody may do
 * everything.
 */
export const groupOperations = bits(3, 8, 6, 10, 11)
export const topicOperations = bits(3, 4, 5, 8, 6, 7, 10, 11)
export const clusterOperations = bits(5, 9, 10, 11, 12, 7, 8)

function bits (...codes: readonly number[]): number {
  return codes.reduce((sum, code) => sum | 1 << code, 0)
}
