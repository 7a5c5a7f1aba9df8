// A stream engine on the backends of the environment's settings, for the bench: recovers what an earlier process left, then appends batches of
// one byte to one stream. Prints a line with figures when that is done, and lives until it is killed.
import { keepAlive } from '@streambed/sdk/node'
import { loadBackends } from '../src/main/backends.ts'
import { loadConfig } from '../src/main/config/load-config.ts'
import { nodeHost } from '../src/main/node-host.ts'
import { serve } from '../src/main/note-node.ts'
import { openStores } from '../src/main/object-stores.ts'
import { openMetadataLog } from '../src/main/open-broker.ts'
import { openWal } from '../src/main/open-wal.ts'
import { foundCluster, Incarnation } from '../src/main/register-node.ts'
import { Metadata } from '../src/metadata/metadata.ts'
import { StreamCatalog } from '../src/metadata/stream-catalog.ts'
import { collectLessOften } from '../src/runtime/collector.ts'
import { environmentVariables } from '../src/runtime/process.ts'
import { StreamEngine } from '../src/storage/stream/stream-engine.ts'

const [recoveredCount, count] = [Number(process.argv[2]), Number(process.argv[3])]
const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
/** As many appends are under way at a time. */
const inFlightMax = 10_000

keepAlive()
collectLessOften()
const config = await loadConfig({ environment: environmentVariables })
const { environment } = nodeHost({ logLevel: 'warn' })
const opened = new AsyncDisposableStack()
const backends = await loadBackends(config)
const stores = await openStores(backends, environment, opened)
const metadata = await Metadata.open({ log: await openMetadataLog(config, backends, stores, environment), environment, snapshotEveryEntries: 1_000 })
await foundCluster(metadata, environment)
const { registration, wal } = await openWal({ config, environment, backends, stores, metadata, incarnation: new Incarnation(environment) })
const { nodeEpoch, nodeId } = registration
await metadata.propose(image => ({
  records: image.topic(topicId) !== undefined ? [] : [{ type: 'topicCreated', topicId, name: 'tiny', partitionCount: 1, ownerNodeId: nodeId, firstStreamId: image.nextStreamId, configs: {} }],
  result: undefined
}))
const catalog = new StreamCatalog({ metadata, clock: environment.clock, nodeId, nodeEpoch })
const startMs = performance.now()
const engine = await StreamEngine.open({ wal, stores, catalog, environment, options: config.storage.engine })
const recoveredMs = performance.now() - startMs
await serve(metadata, registration, wal, engine, { endpoints: [], rack: null })
const stream = engine.stream(metadata.image.topic(topicId)!.partitions[0]!.dataStreamId)
for (let left = count; left > 0; left -= inFlightMax) {
  const appended = Array.from({ length: Math.min(left, inFlightMax) }, () =>
    stream.append({ baseOffset: stream.nextOffset, count: 1, largestTimestamp: -1, bytes: Uint8Array.of(1) }).durable)
  await Promise.all(appended)
}
if (stream.confirmedOffset !== recoveredCount + count) throw new Error(`batches are missing. found=${stream.confirmedOffset} expected=${recoveredCount + count}`)
process.stdout.write(`recovered ms=${Math.round(recoveredMs)}\n`)
