import { defineWal, type WalPlugin } from '@streambed/sdk'
import { optionDocs, optionsSchema, type SqliteWalOptions } from './options.ts'
import { SqliteWal } from './sqlite-wal.ts'

/** A write-ahead log in a SQLite database. */
const plugin: WalPlugin<SqliteWalOptions> = defineWal<SqliteWalOptions>({
  name: 'sqlite',
  options: optionsSchema,
  optionDocs,
  capabilities: ({ scope }) => ({ scope, latencyClass: 'A', fencing: 'epochFile', remoteTakeover: false, identity: true }),
  needsObjectStore: false,
  open: async (options, environment, context) => SqliteWal.open(options, environment, context)
})

export default plugin
