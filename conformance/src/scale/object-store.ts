import { readdirSync } from 'node:fs'
import type { ObjectStore } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, sameBytes } from '../assertions.ts'
import { collectedBytes } from './collected-bytes.ts'
import { keptRate, mib, sustained, type ScaleCheck } from './scale.ts'

const KiB = 1024
const MiB = 2 ** 20
const concurrency = 512
const residentBytesMax = 512 * MiB
/** A wait is no starvation before it is this long, whatever the median … */
const starvedMs = 1_000
/** … or before so many calls that came later were answered first: a service that halts for a moment starves nobody. */
const overtakenMax = 2 * concurrency
const leakRounds = 6
const leakBytesMax = 4 * MiB
const descriptorsMax = 16

/** OS-S01: puts at the declared rate, all of them done, and kept. */
const sustainsPuts: ScaleCheck<ObjectStore> = async ({ durationMs, environment, load, open }) => {
  await using store = await open(0)
  const size = 256 * KiB
  const perSecond = load.bytesPerSecond / size
  const kept = await sustained(environment, perSecond, durationMs, n => store.put(`sustained/${n}`, pattern(size, n)))
  assert.ok(kept >= keptRate(perSecond, durationMs), `${mib(kept * size)}/s were kept, ${mib(load.bytesPerSecond)}/s were offered`)
  sameBytes(await store.get('sustained/0'), pattern(size, 0))
  return `${mib(kept * size)}/s of ${mib(load.bytesPerSecond)}/s offered`
}

/** OS-S04: 512 callers at once; none waits much longer than the others, memory is bounded. */
const servesMany: ScaleCheck<ObjectStore> = async ({ environment: { clock }, open }) => {
  await using store = await open(0)
  const before = process.memoryUsage().rss
  const waits: { readonly ms: number, readonly overtaken: number }[] = []
  const isAnswered: boolean[] = []
  const timed = async <T>(call: Promise<T>): Promise<T> => {
    const startMs = clock.monotonicMs()
    const index = isAnswered.push(false) - 1
    const result = await call
    isAnswered[index] = true
    waits.push({ ms: clock.monotonicMs() - startMs, overtaken: isAnswered.slice(index + 1).filter(Boolean).length })
    return result
  }
  await Promise.all(Array.from({ length: concurrency }, async (_, n) => {
    const body = pattern(16 * KiB, n)
    for (let round = 0; round < 3; round++) {
      await timed(store.put(`many/${n}-${round}`, body))
      sameBytes(await timed(store.get(`many/${n}-${round}`)), body, `object ${n}`)
    }
  }))
  const grown = process.memoryUsage().rss - before
  waits.sort((left, right) => left.ms - right.ms)
  const [median, longest] = [waits[waits.length >> 1]!.ms, waits.at(-1)!.ms]
  const starved = waits.find(({ ms, overtaken }) => ms > Math.max(5 * median, starvedMs) && overtaken > overtakenMax)
  assert.ok(starved === undefined, `one call waited ${Math.round(starved?.ms ?? 0)} ms while ${starved?.overtaken} later ones were answered, the median is ${Math.round(median)} ms: starved`)
  assert.ok(grown < residentBytesMax, `${concurrency} callers took ${mib(grown)} of memory`)
  return `median ${Math.round(median)} ms, longest ${Math.round(longest)} ms, memory +${mib(Math.max(0, grown))}`
}

/** OS-S05: rounds of mixed work; what stays in memory and the open files do not grow with them. */
const leaksNothing: ScaleCheck<ObjectStore> = async ({ open }) => {
  await using store = await open(0)
  const heaps: number[] = []
  const descriptors: number[] = []
  for (let round = 0; round < leakRounds; round++) {
    await Promise.all(Array.from({ length: 100 }, async (_, n) => {
      const key = `leak/${n}`
      await store.put(key, pattern(16 * KiB, n))
      await store.get(key)
      await store.get('leak/none').catch(() => undefined)
      await store.list('leak/', { limit: 10 })
    }))
    await store.delete(Array.from({ length: 100 }, (_, n) => `leak/${n}`))
    heaps.push(collectedBytes())
    descriptors.push(openDescriptors())
  }
  // The first rounds fill caches and pools.
  const [grown, opened] = [heaps.at(-1)! - heaps[2]!, descriptors.at(-1)! - descriptors[2]!]
  assert.ok(grown < leakBytesMax, `memory grew by ${mib(grown)} over ${leakRounds - 3} rounds of 400 calls: ${heaps.map(mib).join(', ')}`)
  assert.ok(opened < descriptorsMax, `${opened} files or sockets more are open after ${leakRounds - 3} rounds: ${descriptors.join(', ')}`)
  return `memory ${grown < 0 ? '−' : '+'}${mib(Math.abs(grown))}, files and sockets ${opened < 0 ? '' : '+'}${opened}`
}

export const objectStoreScale: Readonly<Record<string, ScaleCheck<ObjectStore>>> = { 'OS-S01': sustainsPuts, 'OS-S04': servesMany, 'OS-S05': leaksNothing }

/** 0 where the system does not tell. */
function openDescriptors (): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}
