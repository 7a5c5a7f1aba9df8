import type { CommandModule } from 'yargs'
import { loadConfig } from '../../main/config/load-config.ts'
import { nodeHost } from '../../main/node-host.ts'
import { listNodes, removeNode } from '../../main/nodes.ts'
import { environmentVariables } from '../../runtime/process.ts'

interface Configured { readonly config: string | undefined }

const load = async ({ config: file }: Configured) => {
  const config = await loadConfig({ environment: environmentVariables, ...file === undefined ? {} : { file } })
  return { config, environment: nodeHost({ logLevel: config.log.level }).environment }
}
const configOption = { alias: 'c', type: 'string', requiresArg: true, describe: "A broker's configuration file: it says where the metadata are" } as const

const list: CommandModule<object, Configured> = {
  command: 'list',
  describe: 'List the nodes that the metadata log knows, those too that never came to serve',
  builder: args => args.option('config', configOption),
  handler: async options => {
    const { config, environment } = await load(options)
    for (const { endpoints, epoch, nodeId, partitionCount } of await listNodes(config, environment)) {
      const where = endpoints.map(({ host, name, port }) => `${name.toLowerCase()}://${host}:${port}`).join(',')
      process.stdout.write(`node ${nodeId}  epoch ${epoch}  ${where === '' ? 'never served' : where}  partitions ${partitionCount}\n`)
    }
  }
}

const remove: CommandModule<object, Configured & { readonly id: number }> = {
  command: 'remove <id>',
  describe: 'Remove a node that owns no partitions, so that clients are not told of it any more',
  builder: args => args.positional('id', { type: 'number', demandOption: true }).option('config', configOption),
  handler: async options => {
    const { config, environment } = await load(options)
    await removeNode(config, environment, options.id)
    process.stdout.write(`removed node ${options.id}\n`)
  }
}

export const nodeCommand: CommandModule = {
  command: 'node <command>',
  describe: 'The nodes of a cluster',
  builder: args => args.command(list).command(remove).demandCommand(1, 'Name a command: list or remove.'),
  handler: () => undefined
}
