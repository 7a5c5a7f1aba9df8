/** Holds consumer groups and their offsets, in Kafka's own record formats. */
export const offsetsTopic = '__consumer_offsets'

const internalTopics: ReadonlySet<string> = new Set([offsetsTopic, '__transaction_state', '__share_group_state'])

export function isInternalTopic (name: string): boolean { return internalTopics.has(name) }
