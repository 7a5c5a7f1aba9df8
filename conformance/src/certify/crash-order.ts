import type { WalWriter } from '@streambed/sdk'
import { pattern } from '../assertions.ts'
import type { Place } from './target.ts'

/** What a process that is going to be killed is told. */
export interface CrashOrder {
  readonly place: Place
  readonly round: number
  /** Number of the first write; they go on from there. */
  readonly first: number
  readonly epoch: number
  readonly inFlight: number
  /** Whether every second put of an object is one that creates. */
  readonly isConditional: boolean
  /** Of a log: each acknowledged record is trimmed once so many more have been. Absent: none is. */
  readonly trimBehind?: number
  /** Size of each write; absent: one that follows from its number. */
  readonly bytes?: number
}

export function crashKey (round: number, write: number): string { return `crash/${round}/${write}` }
export function crashWriter (writerEpoch: number): WalWriter { return { clusterId: 'conformance', nodeId: 7, writerEpoch } }

/** The bytes of a write: its number, then up to 32 KiB that follow from it. */
export function crashBody (write: number, size: number = 4 + write * 7919 % (32 * 1024)): Uint8Array {
  const bytes = pattern(size, write)
  new DataView(bytes.buffer).setUint32(0, write)
  return bytes
}

export function writeOf (bytes: Uint8Array): number { return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) }
