import type { Clock, Logger, Metrics, Random } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { Endpoint } from '../metadata/records.ts'
import type { StreamEngine } from '../storage/stream/stream-engine.ts'
import type { BackPressure } from './back-pressure.ts'
import type { Configs } from './config/configs.ts'
import type { GroupCoordinator } from './group/group-coordinator.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { TopicRegistry } from './topics/topic-registry.ts'

/** What handlers work with. Each handler names the parts it needs. */
export interface BrokerServices {
  readonly nodeId: number
  readonly nodeEpoch: number
  readonly metadata: Metadata
  readonly engine: StreamEngine
  readonly topics: TopicRegistry
  readonly configs: Configs
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly backPressure: BackPressure
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  /** Creates an internal topic unless it is there; safe to call at any time, by many. */
  readonly ensureInternalTopic: (name: string) => Promise<void>
  /** This node's address on a listener. */
  readonly endpoint: (listener: string) => Endpoint
}
