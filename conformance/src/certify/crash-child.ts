// A process that writes until it is killed. Reads one line of JSON, a `CrashOrder`, from standard input; prints the number of each write
// once it is acknowledged.
import { writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { MetadataLog, ObjectStore, Plugin, Wal } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { crashBody, crashKey, crashWriter, type CrashOrder } from './crash-order.ts'
import { openPlace } from './target.ts'

const { bytes, epoch, first, inFlight, isConditional, place, round, trimBehind = Infinity } = JSON.parse(await text(process.stdin)) as CrashOrder
const plugin = (await import(place.subject.url) as { readonly default: Plugin }).default
const instance = await openPlace(plugin, place, nodeEnvironment(), crashWriter(epoch))
const acknowledge = (write: number): void => { writeSync(1, `${write}\n`) }

if (plugin.kind === 'wal') {
  const wal = instance as Wal
  for await (const { data } of wal.recover()) void data
  // Called in order, some at a time; each round trip of the loop keeps `inFlight` of them on their way.
  const pending: Promise<void>[] = []
  const positions: number[] = []
  for (let write = first; ; write++) {
    pending.push(wal.append([crashBody(write, bytes)]).then(position => {
      acknowledge(write)
      positions.push(position)
      if (positions.length > trimBehind) void wal.trim(positions.shift()!)
    }))
    if (pending.length >= inFlight) await pending.shift()
  }
} else if (plugin.kind === 'metadataLog') {
  const log = instance as MetadataLog
  let { end } = await log.read(0)
  for (let write = first; ; write++) {
    await log.append(end++, [crashBody(write, bytes)])
    acknowledge(write)
  }
} else {
  const store = instance as ObjectStore
  let next = first
  await Promise.all(Array.from({ length: inFlight }, async () => {
    for (;;) {
      const write = next++
      await store.put(crashKey(round, write), crashBody(write), { ifAbsent: isConditional && write % 2 === 0 })
      acknowledge(write)
    }
  }))
}
