// A plugin of ours, served over standard input and output: `guest.ts <module of the plugin>`.
import { nodeEnvironment } from '@streambed/sdk/node'
import type { Plugin } from '@streambed/sdk'
import { servePlugin } from '../src/serve.ts'

const { default: plugin } = await import(process.argv[2]!) as { readonly default: Plugin }
await servePlugin(plugin, { input: process.stdin, output: process.stdout }, nodeEnvironment())
