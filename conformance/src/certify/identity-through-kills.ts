import assert from 'node:assert/strict'
import type { Environment, Wal } from '@streambed/sdk'
import { recoverAll } from '../wal.ts'
import { identityOf } from '../wal/identity.ts'
import { crashWriter, writeOf } from './crash-order.ts'
import { killed, trimBehind } from './crash.ts'
import type { Target } from './target.ts'

const rounds = 6

/** Kills a process that appends and trims, again and again; the log stays the one it was, and says truly what is in it (W-I08). */
export async function keepsIdentityThroughKills (target: Target, run: string, environment: Environment): Promise<void> {
  const place = target.place(run)
  let first = 0
  let expectedId: string | undefined
  for (let round = 0; round < rounds; round++) {
    const killedEpoch = 2 * round + 1
    const acknowledged = await killed({ place, round, first, epoch: killedEpoch, inFlight: 4, isConditional: false, trimBehind }, environment.random)
    const opening = { mode: 'own', ...expectedId === undefined ? {} : { expectedId } } as const
    await using wal = await target.open(place, environment, crashWriter(killedEpoch + 1), { opening }) as Wal
    const { id, last, trimmed, writerEpoch } = identityOf(wal)
    expectedId ??= id
    assert.equal(id, expectedId, `round ${round}: the log has another identity than before the kill`)
    assert.equal(writerEpoch, killedEpoch, `round ${round}: the epoch of the process that was killed`)
    const records = await recoverAll(wal)
    const positionOf = new Map(records.map(({ data, position }) => [writeOf(data), position]))
    for (const write of acknowledged.slice(-trimBehind)) {
      const position = positionOf.get(write)
      assert.ok(position !== undefined, `round ${round}: ${write} was acknowledged, not trimmed, and is missing`)
      assert.ok(position > trimmed, `round ${round}: ${write} at ${position} was not trimmed, and the log says trimmed=${trimmed}`)
      assert.ok(position <= last, `round ${round}: ${write} at ${position} was acknowledged, and the log says last=${last}`)
    }
    first = Math.max(...positionOf.keys()) + 1
  }
}
