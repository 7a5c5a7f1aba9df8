import type { ObjectStore, ObjectStoreCapabilities } from '@streambed/sdk'
import { faultChecks, type FaultBench, type FaultCheck, type FaultHarness } from '../faults/fault-harness.ts'
import type { Passage, Rule } from '../faults/fault.ts'
import type { Runner } from '../harness.ts'
import { damageChecks } from './damage.ts'
import { failureChecks } from './failures.ts'
import { lostAnswerChecks } from './lost-answers.ts'
import { meterChecks } from './meter.ts'
import { slownessChecks } from './slowness.ts'

export type ObjectStoreFaultHarness = FaultHarness<ObjectStore, ObjectStoreCapabilities>
export type ObjectStoreFaultCheck = FaultCheck<ObjectStore, []>
export type ObjectStoreBench = FaultBench<ObjectStore, []>

/** The part of the object store catalogue that needs a medium that fails. For all of it: nothing acknowledged is lost, no wrong byte is read. */
export function objectStoreFaultConformance (runner: Runner, harness: ObjectStoreFaultHarness): void {
  runner.describe(`object store under faults: ${harness.name}`, () => {
    const check = faultChecks(runner, harness)
    for (const register of [lostAnswerChecks, damageChecks, failureChecks, slownessChecks, meterChecks]) register(check, harness.capabilities)
  })
}

/** Calls that change what is stored. */
export const writes = ({ action }: Passage): boolean => action === 'write'
export const reads = ({ action }: Passage): boolean => action === 'read'

/** On a file system: the call that makes an object visible. Elsewhere, the request that writes it. */
export function publishing (kind: ObjectStoreBench['kind']): (passage: Passage) => boolean {
  return passage => passage.action === 'write' && (kind !== 'files' || passage.call === 'link' || passage.call === 'rename')
}

export function once (fault: Rule['fault'], on: NonNullable<Rule['on']>): Rule { return { fault, on, times: 1 } }
