/** What the rest of core uses of the protocol: bytes to messages and back. No I/O, no clock. */

export { ProtocolError } from './protocol-error.ts'
export type { ProtocolErrorCode } from './protocol-error.ts'
export { KafkaErrorCode, isRetriable, kafkaErrorName } from './error-codes.ts'
export type { KafkaErrorName } from './error-codes.ts'
export { coordinatorPartition, javaStringHash, murmur2, partitionForKey } from './hash.ts'
export { ZERO_UUID, isUuid } from './primitives/uuid.ts'
export { recordsSize } from './primitives/writer.ts'
export type { RecordChunks } from './primitives/writer.ts'

export { correlationIdOf, decodeRequestHeader } from './headers.ts'
export type { RequestHeader } from './headers.ts'
export {
  decodeRequest, decodeResponse, encodeFetchResponse, encodeRequest, encodeResponse, encodeResponseChunks,
  encodeUnsupportedApiVersions, requestElementsMax
} from './frames.ts'
export type { DecodedRequest } from './frames.ts'
export type { Api } from './schema/api.ts'
export { ApiKey, apiTable, apis, findApi } from './messages/apis.ts'
export type { RequestInputOf, RequestOf, ResponseInputOf, ResponseOf } from './messages/apis.ts'

export type {
  ProduceRequest, ProduceRequestInput,
  ProduceResponse, ProduceResponseInput
} from './messages/00-produce.ts'
export type { FetchRequest, FetchRequestInput, FetchResponse, FetchResponseInput } from './messages/01-fetch.ts'
export type {
  ListOffsetsRequest, ListOffsetsRequestInput,
  ListOffsetsResponse, ListOffsetsResponseInput
} from './messages/02-list-offsets.ts'
export type {
  MetadataRequest, MetadataRequestInput,
  MetadataResponse, MetadataResponseInput
} from './messages/03-metadata.ts'
export type {
  OffsetCommitRequest, OffsetCommitRequestInput,
  OffsetCommitResponse, OffsetCommitResponseInput
} from './messages/08-offset-commit.ts'
export type {
  OffsetFetchRequest, OffsetFetchRequestInput,
  OffsetFetchResponse, OffsetFetchResponseInput
} from './messages/09-offset-fetch.ts'
export type {
  FindCoordinatorRequest, FindCoordinatorRequestInput,
  FindCoordinatorResponse, FindCoordinatorResponseInput
} from './messages/10-find-coordinator.ts'
export type {
  JoinGroupRequest, JoinGroupRequestInput,
  JoinGroupResponse, JoinGroupResponseInput
} from './messages/11-join-group.ts'
export type {
  HeartbeatRequest, HeartbeatRequestInput,
  HeartbeatResponse, HeartbeatResponseInput
} from './messages/12-heartbeat.ts'
export type {
  LeaveGroupRequest, LeaveGroupRequestInput,
  LeaveGroupResponse, LeaveGroupResponseInput
} from './messages/13-leave-group.ts'
export type {
  SyncGroupRequest, SyncGroupRequestInput,
  SyncGroupResponse, SyncGroupResponseInput
} from './messages/14-sync-group.ts'
export type {
  DescribeGroupsRequest, DescribeGroupsRequestInput,
  DescribeGroupsResponse, DescribeGroupsResponseInput
} from './messages/15-describe-groups.ts'
export type {
  ListGroupsRequest, ListGroupsRequestInput,
  ListGroupsResponse, ListGroupsResponseInput
} from './messages/16-list-groups.ts'
export type {
  ApiVersionsRequest, ApiVersionsRequestInput,
  ApiVersionsResponse, ApiVersionsResponseInput
} from './messages/18-api-versions.ts'
export type {
  CreateTopicsRequest, CreateTopicsRequestInput,
  CreateTopicsResponse, CreateTopicsResponseInput
} from './messages/19-create-topics.ts'
export type {
  DeleteTopicsRequest, DeleteTopicsRequestInput,
  DeleteTopicsResponse, DeleteTopicsResponseInput
} from './messages/20-delete-topics.ts'
export type {
  DeleteRecordsRequest, DeleteRecordsRequestInput,
  DeleteRecordsResponse, DeleteRecordsResponseInput
} from './messages/21-delete-records.ts'
export type {
  InitProducerIdRequest, InitProducerIdRequestInput,
  InitProducerIdResponse, InitProducerIdResponseInput
} from './messages/22-init-producer-id.ts'
export type {
  OffsetForLeaderEpochRequest, OffsetForLeaderEpochRequestInput,
  OffsetForLeaderEpochResponse, OffsetForLeaderEpochResponseInput
} from './messages/23-offset-for-leader-epoch.ts'
export type {
  DescribeAclsRequest, DescribeAclsRequestInput,
  DescribeAclsResponse, DescribeAclsResponseInput
} from './messages/29-describe-acls.ts'
export type {
  DescribeConfigsRequest, DescribeConfigsRequestInput,
  DescribeConfigsResponse, DescribeConfigsResponseInput
} from './messages/32-describe-configs.ts'
export type {
  AlterConfigsRequest, AlterConfigsRequestInput,
  AlterConfigsResponse, AlterConfigsResponseInput
} from './messages/33-alter-configs.ts'
export type {
  DescribeLogDirsRequest, DescribeLogDirsRequestInput,
  DescribeLogDirsResponse, DescribeLogDirsResponseInput
} from './messages/35-describe-log-dirs.ts'
export type {
  CreatePartitionsRequest, CreatePartitionsRequestInput,
  CreatePartitionsResponse, CreatePartitionsResponseInput
} from './messages/37-create-partitions.ts'
export type {
  DeleteGroupsRequest, DeleteGroupsRequestInput,
  DeleteGroupsResponse, DeleteGroupsResponseInput
} from './messages/42-delete-groups.ts'
export type {
  ElectLeadersRequest, ElectLeadersRequestInput,
  ElectLeadersResponse, ElectLeadersResponseInput
} from './messages/43-elect-leaders.ts'
export type {
  IncrementalAlterConfigsRequest, IncrementalAlterConfigsRequestInput,
  IncrementalAlterConfigsResponse, IncrementalAlterConfigsResponseInput
} from './messages/44-incremental-alter-configs.ts'
export type {
  AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsRequestInput,
  AlterPartitionReassignmentsResponse, AlterPartitionReassignmentsResponseInput
} from './messages/45-alter-partition-reassignments.ts'
export type {
  ListPartitionReassignmentsRequest, ListPartitionReassignmentsRequestInput,
  ListPartitionReassignmentsResponse, ListPartitionReassignmentsResponseInput
} from './messages/46-list-partition-reassignments.ts'
export type {
  OffsetDeleteRequest, OffsetDeleteRequestInput,
  OffsetDeleteResponse, OffsetDeleteResponseInput
} from './messages/47-offset-delete.ts'
export type {
  DescribeClusterRequest, DescribeClusterRequestInput,
  DescribeClusterResponse, DescribeClusterResponseInput
} from './messages/60-describe-cluster.ts'
export type {
  DescribeTopicPartitionsRequest, DescribeTopicPartitionsRequestInput,
  DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponseInput
} from './messages/75-describe-topic-partitions.ts'

export {
  Compression, TimestampType, attributes, baseOffset, baseSequence, baseTimestamp, batchCrc, batchHeaderSize, batchPrefixSize,
  batchSize, checkBatch, compressionOf, computeCrc, hasDeleteHorizon, isControl, isCrcValid, isTransactional, lastOffset,
  lastOffsetDelta, lastSequence, magic, maxTimestamp, nextOffset, partitionLeaderEpoch, patchBatch, patchTimestamps,
  producerEpoch, producerId, recordCount, timestampType
} from './records/batch-header.ts'
export { batches, wholeBatches } from './records/batches.ts'
export type { BatchPlace } from './records/batches.ts'
export { compress, decompress } from './records/compression.ts'
export { ControlType, decodeMarker, encodeMarker } from './records/control-batch.ts'
export type { MarkerOptions, TransactionMarker } from './records/control-batch.ts'
export { crc32c, isNativeCrc32c } from './records/crc32c.ts'
export { batchRecords, decodeHeaders, decodeRecords } from './records/decode-records.ts'
export type { DecodedRecord, RecordHeader } from './records/decode-records.ts'
export { encodeBatch } from './records/encode-batch.ts'
export type { BatchOptions, RecordInput } from './records/encode-batch.ts'
export { RecordCursor } from './records/record-cursor.ts'

export {
  decodeConsumerOffsetsRecord, encodeGroupMetadataKey, encodeGroupMetadataValue, encodeOffsetCommitKey, encodeOffsetCommitValue
} from './internal-records/consumer-offsets.ts'
export type { ConsumerOffsetsRecord } from './internal-records/consumer-offsets.ts'
export { consumerProtocolAssignment, consumerProtocolSubscription } from './internal-records/consumer-protocol.ts'
export type {
  ConsumerProtocolAssignment, ConsumerProtocolAssignmentInput, ConsumerProtocolSubscription, ConsumerProtocolSubscriptionInput
} from './internal-records/consumer-protocol.ts'
export type { GroupMetadataValue, GroupMetadataValueInput } from './internal-records/group-metadata.ts'
export type { OffsetCommitKey, OffsetCommitValue, OffsetCommitValueInput } from './internal-records/offset-commit.ts'
export { decodeVersioned, encodeVersioned } from './internal-records/versioned.ts'
