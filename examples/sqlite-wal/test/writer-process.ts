import { nodeEnvironment } from '@streambed/sdk/node'
import { writeSync } from 'node:fs'
import plugin from '../src/index.ts'
import { idOf, optionsOf, recordOf, writerOf } from './support.ts'

/**
 * Run as a process: opens the log, says what it recovered, then appends for ever and says what was confirmed, one line each,
 * until it is killed or fenced. Arguments: folder, epoch, first id.
 */
const [folder, epoch, firstId] = process.argv.slice(2)
const wal = await plugin.open(optionsOf(folder!), nodeEnvironment(), { writer: writerOf(Number(epoch)) })
const ids: number[] = []
let trimmable: number | undefined
for await (const { data, position } of wal.recover()) {
  ids.push(idOf(data))
  if (ids.length > 200) trimmable = position
}
writeSync(1, `recovered ${ids.join(' ')}\n`)
if (trimmable !== undefined) {
  // Said before it is done, so that the reader never expects what is gone.
  writeSync(1, 'trimming\n')
  await wal.trim(trimmable)
}
let next = Number(firstId)
try {
  for (;;) {
    const first = next
    const appends = Array.from({ length: 1 + first % 4 }, () => wal.append([recordOf(next, next++ * 7919 % 50_000)]))
    for (const [index, append] of appends.entries()) {
      await append
      writeSync(1, `confirmed ${first + index}\n`)
    }
  }
} catch (error) {
  writeSync(1, `ended ${String((error as { readonly code?: unknown }).code)}\n`)
  await wal.close()
}
