import { keepAlive } from '@streambed/sdk/node'
import type { CommandModule } from 'yargs'
import { loadConfig } from '../../main/config/load-config.ts'
import { nodeHost } from '../../main/node-host.ts'
import { runBroker } from '../../main/run-broker.ts'
import { collectLessOften } from '../../runtime/collector.ts'
import { environmentVariables, shutdownRequested, widenThreadPool } from '../../runtime/process.ts'

interface StartOptions { readonly config: string | undefined }

export const startCommand: CommandModule<object, StartOptions> = {
  command: 'start',
  describe: 'Run a broker; without -c on the embedded default under ./data',
  builder: args => args.option('config', { alias: 'c', type: 'string', requiresArg: true, describe: 'Configuration file (YAML)' }),
  handler: async ({ config: file }) => {
    widenThreadPool()
    const config = await loadConfig({ environment: environmentVariables, ...file === undefined ? {} : { file } })
    collectLessOften()
    const stop = new AbortController()
    void shutdownRequested().then(() => stop.abort())
    const release = keepAlive()
    await runBroker({
      config,
      host: nodeHost({ logLevel: config.log.level }),
      stop: stop.signal,
      onReady: ({ registration, server }) => {
        const where = server.addresses.map(({ host, port }) => `${host}:${port}`).join(', ')
        process.stdout.write(`streambed: ready on ${where} (node ${registration.nodeId}, cluster ${registration.clusterId})\n`)
      }
    })
    release()
  }
}
