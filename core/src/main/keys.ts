import type { ServiceIdentifier } from 'inversify'
import type { Environment, MetadataLog } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { StreamEngine } from '../storage/stream/stream-engine.ts'
import type { Broker } from '../broker/broker.ts'
import type { Network } from '../runtime/network.ts'
import type { Server } from '../server/server.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { LoadedBackends } from './backends.ts'
import type { ObjectStores } from './object-stores.ts'
import type { OpenedWal } from './open-wal.ts'
import type { Incarnation, Registration } from './register-node.ts'

/** What the container binds. Simulations and tests bind other environments, networks and backends to the same keys. */
export const keys = {
  config: Symbol('BrokerConfig') as ServiceIdentifier<BrokerConfig>,
  environment: Symbol('Environment') as ServiceIdentifier<Environment>,
  network: Symbol('Network') as ServiceIdentifier<Network>,
  backends: Symbol('LoadedBackends') as ServiceIdentifier<LoadedBackends>,
  stores: Symbol('ObjectStores') as ServiceIdentifier<ObjectStores>,
  checkedStores: Symbol('CheckedObjectStores') as ServiceIdentifier<ObjectStores>,
  metadataLog: Symbol('MetadataLog') as ServiceIdentifier<MetadataLog>,
  metadata: Symbol('Metadata') as ServiceIdentifier<Metadata>,
  incarnation: Symbol('Incarnation') as ServiceIdentifier<Incarnation>,
  wal: Symbol('OpenedWal') as ServiceIdentifier<OpenedWal>,
  engine: Symbol('StreamEngine') as ServiceIdentifier<StreamEngine>,
  /** The node's place, once all that it needs is open and the cluster knows it. */
  registration: Symbol('Registration') as ServiceIdentifier<Registration>,
  broker: Symbol('Broker') as ServiceIdentifier<Broker>,
  server: Symbol('Server') as ServiceIdentifier<Server>
}
