// Puts objects without end, and says so of each on a line of its own. The test kills it.
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'

const [folder = '', life = ''] = process.argv.slice(2)
const store = await plugin.open({ path: folder }, nodeEnvironment())
for (let n = 0; ; n++) {
  const size = n * 7919 % 200_000
  await store.put('shared', Buffer.alloc(size, n % 251))
  await store.put(`life/${life}/${n}`, Buffer.alloc(size, n % 251), { ifAbsent: true })
  process.stdout.write(`${n}\n`)
}
