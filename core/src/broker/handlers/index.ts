import { advertisedApis } from '../dispatcher.ts'
import { asHandler, type ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { produceHandler } from './00-produce.ts'
import { fetchHandler } from './01-fetch.ts'
import { listOffsetsHandler } from './02-list-offsets.ts'
import { metadataHandler } from './03-metadata.ts'
import { offsetCommitHandler } from './08-offset-commit.ts'
import { offsetFetchHandler } from './09-offset-fetch.ts'
import { findCoordinatorHandler } from './10-find-coordinator.ts'
import { joinGroupHandler } from './11-join-group.ts'
import { heartbeatHandler } from './12-heartbeat.ts'
import { leaveGroupHandler } from './13-leave-group.ts'
import { syncGroupHandler } from './14-sync-group.ts'
import { describeGroupsHandler } from './15-describe-groups.ts'
import { listGroupsHandler } from './16-list-groups.ts'
import { apiVersionsHandler } from './18-api-versions.ts'
import { createTopicsHandler } from './19-create-topics.ts'
import { deleteTopicsHandler } from './20-delete-topics.ts'
import { deleteRecordsHandler } from './21-delete-records.ts'
import { initProducerIdHandler } from './22-init-producer-id.ts'
import { offsetForLeaderEpochHandler } from './23-offset-for-leader-epoch.ts'
import { describeAclsHandler } from './29-describe-acls.ts'
import { describeConfigsHandler } from './32-describe-configs.ts'
import { alterConfigsHandler } from './33-alter-configs.ts'
import { describeLogDirsHandler } from './35-describe-log-dirs.ts'
import { createPartitionsHandler } from './37-create-partitions.ts'
import { deleteGroupsHandler } from './42-delete-groups.ts'
import { electLeadersHandler } from './43-elect-leaders.ts'
import { incrementalAlterConfigsHandler } from './44-incremental-alter-configs.ts'
import { alterPartitionReassignmentsHandler } from './45-alter-partition-reassignments.ts'
import { listPartitionReassignmentsHandler } from './46-list-partition-reassignments.ts'
import { offsetDeleteHandler } from './47-offset-delete.ts'
import { describeClusterHandler } from './60-describe-cluster.ts'
import { describeTopicPartitionsHandler } from './75-describe-topic-partitions.ts'

/** Every API that this broker serves, one handler a key. What is not here is not advertised. */
export function allHandlers (services: BrokerServices): readonly ApiHandler[] {
  const handlers: ApiHandler[] = [
    asHandler(produceHandler(services)),
    asHandler(fetchHandler(services)),
    asHandler(listOffsetsHandler(services)),
    asHandler(metadataHandler(services)),
    asHandler(offsetCommitHandler(services)),
    asHandler(offsetFetchHandler(services)),
    asHandler(findCoordinatorHandler(services)),
    asHandler(joinGroupHandler(services)),
    asHandler(heartbeatHandler(services)),
    asHandler(leaveGroupHandler(services)),
    asHandler(syncGroupHandler(services)),
    asHandler(describeGroupsHandler(services)),
    asHandler(listGroupsHandler(services)),
    asHandler(apiVersionsHandler(() => advertised)),
    asHandler(createTopicsHandler(services)),
    asHandler(deleteTopicsHandler(services)),
    asHandler(deleteRecordsHandler(services)),
    asHandler(initProducerIdHandler(services)),
    asHandler(offsetForLeaderEpochHandler(services)),
    asHandler(describeAclsHandler()),
    asHandler(describeConfigsHandler(services)),
    asHandler(alterConfigsHandler(services)),
    asHandler(describeLogDirsHandler(services)),
    asHandler(createPartitionsHandler(services)),
    asHandler(deleteGroupsHandler(services)),
    asHandler(electLeadersHandler(services)),
    asHandler(incrementalAlterConfigsHandler(services)),
    asHandler(alterPartitionReassignmentsHandler(services)),
    asHandler(listPartitionReassignmentsHandler()),
    asHandler(offsetDeleteHandler(services)),
    asHandler(describeClusterHandler(services)),
    asHandler(describeTopicPartitionsHandler(services))
  ]
  const advertised = advertisedApis(handlers)
  return handlers
}
