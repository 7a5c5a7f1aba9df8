// Run by an operator after a store was away or emptied, while brokers go on: node src/heal.ts <options.json> [prefix]
import { readFile } from 'node:fs/promises'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin, { QuorumObjectStore } from './index.ts'

const [file, prefix = ''] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: node src/heal.ts <file with the options as JSON> [prefix]')
const checked = await plugin.options['~standard'].validate(JSON.parse(await readFile(file, 'utf8')))
if (checked.issues !== undefined) throw new Error(checked.issues.map(({ message, path = [] }) => `${path.map(String).join('.')}: ${message}`).join('\n'))
await using store = await plugin.open(checked.value, nodeEnvironment())
if (store instanceof QuorumObjectStore) console.log(`${await store.heal(prefix)} copies given`)
