/** A rule as the JSON API tells it (Buckets resource, lifecycle.rule[]). All of its conditions must hold. */
export interface LifecycleRule {
  readonly action?: { readonly type?: string, readonly storageClass?: string }
  readonly condition?: Readonly<Record<string, unknown>> & { readonly isLive?: boolean, readonly matchesPrefix?: readonly string[] }
}
export interface Harm { readonly severity: 'error' | 'warning', readonly does: string }

/** Conditions that no live object of ours meets: they ask for old versions, or for a custom time, which we do not set. */
const neverOurs = ['numNewerVersions', 'daysSinceNoncurrentTime', 'noncurrentTimeBefore', 'daysSinceCustomTime', 'customTimeBefore']

/** What `rule` does to live objects below `prefix`, if anything. Conditions that might hold are taken to. */
export function harmOf ({ action, condition = {} }: LifecycleRule, prefix: string): Harm | undefined {
  if (condition.isLive === false || neverOurs.some(name => Number(condition[name] ?? 0) > 0 || typeof condition[name] === 'string')) return undefined
  const { matchesPrefix = [] } = condition
  // A rule for a longer prefix than ours covers some of our objects.
  if (matchesPrefix.length > 0 && !matchesPrefix.some(covered => prefix.startsWith(covered) || covered.startsWith(prefix))) return undefined
  if (action?.type === 'Delete') return { severity: 'error', does: 'deletes objects' }
  // They stay readable at once, for a fee.
  if (action?.type === 'SetStorageClass' && action.storageClass !== 'STANDARD') return { severity: 'warning', does: `moves objects to ${action.storageClass ?? 'another class'}, which charges for reading and early deletion,` }
  return undefined
}
