// Appends without end, with a snapshot now and then, and prints the end after each. The test kills it.
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'

const log = await plugin.open({ path: process.argv[2]! }, nodeEnvironment(), {})
const snapshot = await log.latestSnapshot()
let { end } = await log.read(snapshot?.at ?? 0)
for (;;) {
  const count = 1 + end % 3
  await log.append(end, Array.from({ length: count }, (_, n) => Buffer.alloc(3 + (end + n) * 997 % 20_000, String(end + n))))
  end += count
  process.stdout.write(`${end}\n`)
  if (end % 40 < 3) {
    await log.writeSnapshot(end, Buffer.from(String(end)))
    await log.truncateBefore(end)
  }
}
