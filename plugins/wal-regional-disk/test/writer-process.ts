import { writeSync } from 'node:fs'
import { nodeEnvironment } from '@streambed/sdk/node'
import { openWal } from '../src/open-wal.ts'
import { idOf, KiB, recordOf, writerOf } from './support.ts'

/**
 * Run as a process: opens the log, says what it recovered, then appends for ever and says what was confirmed, one line
 * each, until it is killed or fenced. Arguments: path, epoch, first id, and for a device its lock file and the protocol of its reservation.
 */
const [path, epoch, firstId, lockFile, reservation] = process.argv.slice(2)
const wal = await openWal({ path: path!, capacity: 8 * KiB * KiB, ...lockFile !== '' && { lockFile }, ...reservation === 'scsi' && { reservation: { protocol: reservation, timeout: 60_000 } } }, nodeEnvironment(), { writer: writerOf(Number(epoch)) })
const held: number[] = []
const ids: number[] = []
for await (const { position, data } of wal.recover()) {
  held.push(position)
  ids.push(idOf(data))
}
writeSync(1, `recovered ${ids.join(' ')}\n`)
let next = Number(firstId)
try {
  for (;;) {
    const first = next
    const appends = Array.from({ length: 1 + first % 4 }, () => wal.append([recordOf(next, 8 + next++ * 7919 % (60 * KiB))]))
    for (let i = 0; i < appends.length; i++) {
      held.push(await appends[i]!)
      writeSync(1, `confirmed ${first + i}\n`)
    }
    if (held.length > 60) {
      const dropped = held.splice(0, 30)
      // Said before it is done, so that the reader never expects what is gone.
      writeSync(1, `trimming ${held.length}\n`)
      await wal.trim(dropped.at(-1)!)
    }
  }
} catch (error) {
  writeSync(1, `ended ${String((error as { code?: unknown }).code)}\n`)
  await wal.close()
}
