import { ApiKey } from '../protocol/messages/apis.ts'

/**
 * What requests see of each other. `cluster`: topics, partitions, settings. `records`: what partitions hold, from log start to
 * high watermark. `members`: the groups and who is in them. `offsets`: what groups have committed.
 */
export const areas = ['cluster', 'records', 'members', 'offsets'] as const
export type Area = (typeof areas)[number]

/** `appends`: changes that keep their order among themselves, because a log gives each its place in the turn in which it begins. */
export interface Effects { readonly reads: readonly Area[], readonly appends: readonly Area[], readonly changes: readonly Area[] }

const none: readonly Area[] = Object.freeze([])
function reads (...areas: readonly Area[]): Effects { return { reads: areas, appends: none, changes: none } }

/**
 * What each API reads and changes, whatever a request of it asks for. FindCoordinator and Metadata may create topics. Whoever
 * works with groups reads the cluster: the topic that they live in, and those that offsets are of.
 */
export const effectsOf: Readonly<Record<ApiKey, Effects>> = Object.freeze({
  [ApiKey.Produce]: { ...reads('cluster'), appends: ['records'] },
  [ApiKey.Fetch]: reads('cluster', 'records'),
  [ApiKey.ListOffsets]: reads('cluster', 'records'),
  [ApiKey.Metadata]: { ...reads('cluster'), changes: ['cluster'] },
  [ApiKey.OffsetCommit]: { ...reads('cluster', 'members'), appends: ['offsets'] },
  [ApiKey.OffsetFetch]: reads('cluster', 'offsets'),
  [ApiKey.FindCoordinator]: { ...reads('cluster'), changes: ['cluster'] },
  [ApiKey.JoinGroup]: { ...reads('cluster', 'members'), changes: ['members'] },
  [ApiKey.Heartbeat]: reads('cluster', 'members'),
  [ApiKey.LeaveGroup]: { ...reads('cluster', 'members'), changes: ['members'] },
  [ApiKey.SyncGroup]: { ...reads('cluster', 'members'), changes: ['members'] },
  // A commit makes the group that it names.
  [ApiKey.DescribeGroups]: reads('cluster', 'members', 'offsets'),
  [ApiKey.ListGroups]: reads('cluster', 'members', 'offsets'),
  [ApiKey.ApiVersions]: reads(),
  [ApiKey.CreateTopics]: { ...reads('cluster'), changes: ['cluster'] },
  [ApiKey.DeleteTopics]: { ...reads('cluster'), changes: ['cluster'] },
  [ApiKey.DeleteRecords]: { ...reads('cluster', 'records'), changes: ['records'] },
  // Every id is new, whoever asked before.
  [ApiKey.InitProducerId]: reads(),
  [ApiKey.OffsetForLeaderEpoch]: reads('cluster', 'records'),
  [ApiKey.DescribeAcls]: reads(),
  [ApiKey.DescribeConfigs]: reads('cluster'),
  [ApiKey.AlterConfigs]: { ...reads('cluster'), changes: ['cluster'] },
  [ApiKey.DescribeLogDirs]: reads('cluster', 'records'),
  [ApiKey.CreatePartitions]: { ...reads('cluster'), changes: ['cluster'] },
  [ApiKey.DeleteGroups]: { ...reads('cluster', 'members', 'offsets'), changes: ['members', 'offsets'] },
  [ApiKey.ElectLeaders]: reads('cluster'),
  [ApiKey.IncrementalAlterConfigs]: { ...reads('cluster'), changes: ['cluster'] },
  [ApiKey.AlterPartitionReassignments]: reads('cluster'),
  [ApiKey.ListPartitionReassignments]: reads(),
  [ApiKey.OffsetDelete]: { ...reads('cluster', 'members', 'offsets'), changes: ['offsets'] },
  [ApiKey.DescribeCluster]: reads('cluster'),
  [ApiKey.DescribeTopicPartitions]: reads('cluster')
})
