import type { Runner } from '../harness.ts'
import { faultChecks } from '../faults/fault-harness.ts'
import { diskChecks } from './disk-faults.ts'
import type { WalFaultHarness } from './log-under-faults.ts'
import { partitionChecks } from './partitions.ts'
import { pipelineChecks } from './pipeline-faults.ts'

export type { WalFaultHarness } from './log-under-faults.ts'

/** The part of the WAL catalogue that needs a medium that fails. For all of it: order, nothing confirmed is lost, no holes. */
export function walFaultConformance (runner: Runner, harness: WalFaultHarness): void {
  runner.describe(`Wal under faults: ${harness.name}`, () => {
    const check = faultChecks(runner, harness)
    pipelineChecks(check)
    partitionChecks(check, harness.capabilities)
    diskChecks(check)
  })
}
