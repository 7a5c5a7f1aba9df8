import type { CommandModule } from 'yargs'
import { loadBackends } from '../../main/backends.ts'
import { loadConfig } from '../../main/config/load-config.ts'
import { configReference } from '../../main/config/reference.ts'
import { environmentVariables } from '../../runtime/process.ts'

const check: CommandModule<object, { readonly config: string | undefined }> = {
  command: 'check',
  describe: 'Validate a configuration, its plugins and their options; nothing is opened',
  builder: args => args.option('config', { alias: 'c', type: 'string', requiresArg: true, describe: 'Configuration file (YAML)' }),
  handler: async ({ config: file }) => {
    const config = await loadConfig({ environment: environmentVariables, ...file === undefined ? {} : { file } })
    const { metadata, stores, wal } = await loadBackends(config)
    const objects = [...stores].map(([name, { plugin }]) => name === config.storage.engine.store ? plugin.name : `${plugin.name} as ${name}`).join(', ')
    process.stdout.write(`${file ?? 'the default configuration'}: ok (wal ${wal.plugin.name}, objects ${objects}, metadata ${metadata.plugin.name})\n`)
  }
}

const reference: CommandModule = {
  command: 'reference',
  describe: 'Print every setting with its default, as Markdown',
  handler: async () => { process.stdout.write(await configReference()) }
}

export const configCommand: CommandModule = {
  command: 'config <action>',
  describe: 'Check a configuration, or print the reference',
  builder: args => args.command(check).command(reference).demandCommand(1),
  handler: () => undefined
}
