import type { ObjectStore, ObjectStoreCapabilities } from '@streambed/sdk'
import type { FaultBench, FaultCheck, FaultHarness } from '../faults/fault-harness.ts'
import type { Passage, Rule } from '../faults/fault.ts'

export type ObjectStoreFaultHarness = FaultHarness<ObjectStore, ObjectStoreCapabilities>
export type ObjectStoreFaultCheck = FaultCheck<ObjectStore, []>
export type ObjectStoreBench = FaultBench<ObjectStore, []>

/** Calls that change what is stored. */
export const writes = ({ action }: Passage): boolean => action === 'write'
export const reads = ({ action }: Passage): boolean => action === 'read'

/** On a file system: the call that makes an object visible. Elsewhere, the request that writes it. */
export function publishing (kind: ObjectStoreBench['kind']): (passage: Passage) => boolean {
  return passage => passage.action === 'write' && (kind !== 'files' || passage.call === 'link' || passage.call === 'rename')
}

export function once (fault: Rule['fault'], on: NonNullable<Rule['on']>): Rule { return { fault, on, times: 1 } }
