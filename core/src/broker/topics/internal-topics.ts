/** Holds consumer groups and their offsets, in Kafka's own record formats. */
export const offsetsTopic = '__consumer_offsets'

const internalTopics: ReadonlySet<string> = new Set([offsetsTopic, '__transaction_state', '__share_group_state'])

/** Kafka's own metadata: no topic of a cluster, and no client's to create. */
export const clusterMetadataTopic = '__cluster_metadata'

export function isInternalTopic (name: string): boolean { return internalTopics.has(name) }
