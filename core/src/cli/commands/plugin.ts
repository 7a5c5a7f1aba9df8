import path from 'node:path'
import type { CommandModule } from 'yargs'
import { newPlugin, pluginKinds, type PluginKind } from '../../main/new-plugin.ts'

const create: CommandModule<object, { readonly kind: PluginKind, readonly name: string, readonly folder: string | undefined }> = {
  command: 'new <kind> <name>',
  describe: 'Write the package of a new storage plugin, with its conformance tests',
  builder: args => args
    .positional('kind', { choices: pluginKinds, demandOption: true, describe: 'Which contract it keeps' })
    .positional('name', { type: 'string', demandOption: true, describe: "Lower-case words joined by '-'" })
    .option('folder', { type: 'string', describe: 'Where; by default, a folder of its name in this one' }),
  handler: ({ folder: given, kind, name }) => {
    const folder = path.resolve(given ?? name)
    newPlugin({ kind, name, folder })
    process.stdout.write(`wrote ${folder}; go on with: cd ${folder} && npm install && npm test\n`)
  }
}

export const pluginCommand: CommandModule = {
  command: 'plugin <action>',
  describe: 'Write your own storage backend',
  builder: args => args.command(create).demandCommand(1),
  handler: () => undefined
}
