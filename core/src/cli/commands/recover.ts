import { keepAlive } from '@streambed/sdk/node'
import type { CommandModule } from 'yargs'
import { loadConfig } from '../../main/config/load-config.ts'
import { nodeHost } from '../../main/node-host.ts'
import { losses, recover, type Loss } from '../../main/recover/recover.ts'
import { environmentVariables } from '../../runtime/process.ts'

interface RecoverOptions { readonly config: string | undefined, readonly 'accept-loss': readonly Loss[] }

export const recoverCommand: CommandModule<object, RecoverOptions> = {
  command: 'recover',
  describe: 'Go on where a start is refused because a WAL, the metadata or an object store lost something that no copy can bring back',
  builder: args => args
    .option('config', { alias: 'c', type: 'string', requiresArg: true, describe: "The stopped broker's configuration file" })
    .option('accept-loss', { choices: losses, array: true, requiresArg: true, default: [] as Loss[], describe: 'What may be given up; without it the refusal is told, and nothing is given up' }),
  handler: async ({ 'accept-loss': accepted, config: file }) => {
    const config = await loadConfig({ environment: environmentVariables, ...file === undefined ? {} : { file } })
    const release = keepAlive()
    for await (const { subject, text } of recover(config, nodeHost({ logLevel: config.log.level }).environment, new Set(accepted))) process.stdout.write(`${subject.padEnd(9)}${text}\n`)
    process.stdout.write('a start is not refused any more\n')
    release()
  }
}
