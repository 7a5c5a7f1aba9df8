import type { Clock } from '@streambed/sdk'
import assert from 'node:assert/strict'
import type { Pace } from './fault-harness.ts'

/** Works on `items`, so many at a time. */
export async function inLanes<T> (items: readonly T[], lanes: number, work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: lanes }, async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index]!, index)
  }))
}

export async function outcomeOf<T> (pending: Promise<T>): Promise<T | Error> {
  try {
    return await pending
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** An outcome, for a message: the error, or that there was none. */
export function told (outcome: unknown): string { return outcome instanceof Error ? String(outcome) : 'it succeeded' }

/** Until something is held back. Fails when that does not come to be. */
export async function untilHeld ({ clock, pace }: { readonly clock: Clock, readonly pace: Pace }, plane: { readonly held: number }): Promise<void> {
  const endMs = clock.monotonicMs() + pace.callMsMax
  while (plane.held === 0) {
    assert.ok(clock.monotonicMs() < endMs, 'the call made no request that could be held up')
    await new Promise<void>(resolve => { clock.schedule(2, resolve) })
  }
}

