// A broker on the backends of a configuration file, for the bench: it counts the requests that its stores get, adds to the time of
// their puts, and prints the counts when it gets SIGUSR2.
import { sleep, type ObjectStore } from '@streambed/sdk'
import { keepAlive } from '@streambed/sdk/node'
import { loadBackends, type LoadedBackends } from '../src/main/backends.ts'
import { loadConfig } from '../src/main/config/load-config.ts'
import { nodeHost } from '../src/main/node-host.ts'
import { runBroker } from '../src/main/run-broker.ts'
import { collectLessOften } from '../src/runtime/collector.ts'
import { environmentVariables, shutdownRequested, widenThreadPool } from '../src/runtime/process.ts'

const [file, putLatencyText = '0'] = process.argv.slice(2)
const putLatencyMs = Number(putLatencyText)
const requests = { put: 0, get: 0, list: 0, delete: 0 }
const host = nodeHost({ logLevel: 'error' })

function watched (store: ObjectStore): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const billed = name === 'head' ? 'get' : name
        if (billed === 'put' || billed === 'get' || billed === 'list' || billed === 'delete') requests[billed]++
        const call = (): unknown => Reflect.apply(value, target, args)
        return name === 'put' && putLatencyMs > 0 ? sleep(host.environment.clock, putLatencyMs).then(call) : call()
      }
    }
  })
}

function watchedBackends (loaded: LoadedBackends): LoadedBackends {
  const stores = [...loaded.stores].map(([name, { options, plugin }]) =>
    [name, { options, plugin: { ...plugin, open: async (...args: Parameters<typeof plugin.open>) => watched(await plugin.open(...args)) } }] as const)
  return { ...loaded, stores: new Map(stores) }
}

widenThreadPool()
const config = await loadConfig({ environment: environmentVariables, file: file! })
collectLessOften()
const stop = new AbortController()
void shutdownRequested().then(() => stop.abort())
process.on('SIGUSR2', () => process.stdout.write(`requests ${JSON.stringify(requests)}\n`))
const release = keepAlive()
await runBroker({
  config,
  host: { ...host, backends: watchedBackends(await loadBackends(config)) },
  stop: stop.signal,
  onReady: ({ server }) => process.stdout.write(`ready on 127.0.0.1:${server.addresses[0]!.port}\n`)
})
release()
