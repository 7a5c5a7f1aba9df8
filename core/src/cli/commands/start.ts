import { keepAlive } from '@streambed/sdk/node'
import type { CommandModule } from 'yargs'
import { loadConfig } from '../../main/config/load-config.ts'
import { nodeHost } from '../../main/node-host.ts'
import { runBroker } from '../../main/run-broker.ts'
import { collectLessOften } from '../../runtime/collector.ts'
import { endWithin, environmentVariables, shutdownRequested, widenThreadPool } from '../../runtime/process.ts'

/** An orchestrator that asked for the end waits no longer with patience. */
const stopMsMax = 4_500

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
    const host = nodeHost({ logLevel: config.log.level })
    void shutdownRequested().then(() => {
      stop.abort()
      endWithin(stopMsMax, () => host.environment.logger.warn('not all was closed in time; the next start recovers what this one leaves', { limitMs: stopMsMax }))
    })
    const release = keepAlive()
    await runBroker({
      config,
      host,
      stop: stop.signal,
      onReady: ({ registration, server }) => {
        const where = server.addresses.map(({ host, port }) => `${host}:${port}`).join(', ')
        process.stdout.write(`streambed: ready on ${where} (node ${registration.nodeId}, cluster ${registration.clusterId})\n`)
      }
    })
    release()
  }
}
