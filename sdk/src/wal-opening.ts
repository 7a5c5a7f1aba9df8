import type { Random } from './environment.ts'
import { StreambedError } from './errors.ts'
import type { WalOpening, WalWriter } from './wal.ts'

/** Random bytes of an identity that `mintIdentity` makes; the text has two digits for each. */
export const identityBytes = 10

/** A log that stands where one is opened: whose it is, and which. */
export interface FoundLog {
  readonly clusterId: string
  readonly nodeId: number
  /** Undefined for one that was made before there were identities. */
  readonly id: string | undefined
}

export interface OpeningRequest {
  /** Undefined: `create`. */
  readonly opening: WalOpening | undefined
  readonly writer: WalWriter
  /** Names where it was looked, as messages do: `path=/mnt/wal`. */
  readonly place: string
}

/** A new identity (W-10): 20 digits, 0-9 and a-f. 80 random bits: it is told apart only from others of one cluster and node. */
export function mintIdentity (random: Random): string {
  return Array.from(random.bytes(identityBytes), byte => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Decides whether what was found may be opened (W-11); undefined: no log. Call it before anything is made, claimed or fenced
 * (W-12). Throws MISCONFIGURED for the log of another cluster or node, and WRONG_MEDIUM where `own` or `takeover` finds no log or
 * one with another identity. Having returned, it leaves one thing to do: to mint an identity where none was found.
 */
export function checkOpening (found: FoundLog | undefined, { opening, place, writer }: OpeningRequest): void {
  const expectedId = opening === undefined || opening.mode === 'create' ? undefined : opening.expectedId
  if (found === undefined) {
    if (opening === undefined || opening.mode === 'create') return
    throw new StreambedError('WRONG_MEDIUM', `the write-ahead log that was used before is not here, and none is made in its place; see whether its disk, file system or store is there (mounted, attached), and whether its place is spelled right. If it is lost, give it up with "streambed recover". ${place} expectedId=${expectedId ?? 'any'}`)
  }
  if (found.clusterId !== writer.clusterId || found.nodeId !== writer.nodeId) {
    throw new StreambedError('MISCONFIGURED', `the log belongs to another broker; give each a place of its own. ${place} log: cluster=${found.clusterId} node=${found.nodeId}; this broker: cluster=${writer.clusterId} node=${writer.nodeId}`)
  }
  if (expectedId !== undefined && found.id !== expectedId) {
    throw new StreambedError('WRONG_MEDIUM', `this is another write-ahead log than the one that was used before; see whether the right disk, file system or store is there, and whether its place is spelled right. If the log is lost, give it up with "streambed recover". ${place} expectedId=${expectedId} id=${found.id ?? 'none'}`)
  }
}
