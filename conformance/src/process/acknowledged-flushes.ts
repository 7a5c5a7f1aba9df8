import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Environment } from '@streambed/sdk'
import type { Target } from '../certify/target.ts'
import { startWriter } from '../certify/writer-process.ts'
import { NotRun } from '../faults/fault-harness.ts'
import { auditFlushes, auditedCalls } from './flush-audit.ts'

const recordBytes = 16 * 1024
const acknowledgementsWanted = 40

/** Watches the system calls of a process that appends: nothing is acknowledged before it was written and flushed (W-D01). */
export async function flushesBeforeAcknowledging (target: Target, run: string, _environment: Environment): Promise<void> {
  if (target.endpoint !== undefined) throw new NotRun('its records go to a service, over the network: what that flushes cannot be seen from here', 'notApplicable')
  const folder = mkdtempSync(path.join(os.tmpdir(), 'streambed-audit-'))
  try {
    const trace = path.join(folder, 'trace')
    if (spawnSync('strace', ['-o', path.join(folder, 'probe'), 'true']).status !== 0) throw new NotRun('it watches system calls with strace: install it, and allow this user to trace processes (ptrace)')
    const under = ['strace', '-f', '-s', '32', '-e', `trace=${auditedCalls}`, '-o', trace]
    const writer = startWriter({ place: target.place(run), round: 0, first: 0, epoch: 1, inFlight: 1, isConditional: false, bytes: recordBytes }, under)
    for await (const count of writer.acknowledgements()) if (count === acknowledgementsWanted) writer.signal('SIGKILL')
    const { complaint } = await writer.exited
    assert.ok(writer.writes.length >= acknowledgementsWanted, `the writing process ended by itself: ${complaint}`)
    const { acknowledgements, dataWrites, violations } = auditFlushes(readFileSync(trace, 'utf8'), recordBytes / 2)
    if (dataWrites === 0) throw new NotRun('the process writes its records to no file', 'notApplicable')
    // The kill may cut the trace of the last one short.
    assert.ok(acknowledgements >= acknowledgementsWanted - 2, `only ${acknowledgements} acknowledgements were seen in the trace`)
    assert.deepEqual(violations.slice(0, 5), [], 'acknowledged, and not flushed')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
