import type { Runner } from '../harness.ts'
import { faultChecks } from '../faults/fault-harness.ts'
import { damageChecks } from './damage.ts'
import { failureChecks } from './failures.ts'
import type { ObjectStoreFaultHarness } from './fault-rules.ts'
import { lostAnswerChecks } from './lost-answers.ts'
import { meterChecks } from './meter.ts'
import { slownessChecks } from './slowness.ts'

export type { ObjectStoreFaultHarness } from './fault-rules.ts'

/** The part of the object store catalogue that needs a medium that fails. For all of it: nothing acknowledged is lost, no wrong byte is read. */
export function objectStoreFaultConformance (runner: Runner, harness: ObjectStoreFaultHarness): void {
  runner.describe(`object store under faults: ${harness.name}`, () => {
    const check = faultChecks(runner, harness)
    lostAnswerChecks(check, harness.capabilities)
    for (const register of [damageChecks, failureChecks, slownessChecks, meterChecks]) register(check)
  })
}
