import { xmlElements, xmlText } from '@streambed/sdk/remote'

/** A rule, as GetBucketLifecycle tells it. */
export interface LifecycleRule {
  readonly id: string
  readonly isEnabled: boolean
  readonly prefix: string
  readonly needsTag: boolean
  readonly deletes: boolean
  /** Storage classes that it moves objects to. */
  readonly moves: readonly string[]
}
export interface Harm { readonly severity: 'error' | 'warning', readonly does: string }

export function ruleOf (element: string): LifecycleRule {
  const expiration = xmlText(element, 'Expiration') ?? ''
  // What a filter excepts (`Not`) has a prefix of its own.
  const own = element.replaceAll(/<Filter>[^]*<\/Filter>/g, '')
  return {
    id: xmlText(own, 'ID') ?? '',
    isEnabled: xmlText(own, 'Status') === 'Enabled',
    prefix: xmlText(own, 'Prefix') ?? '',
    needsTag: xmlElements(own, 'Tag').length > 0,
    deletes: /<(Days|Date|CreatedBeforeDate)>/.test(expiration),
    moves: xmlElements(element, 'Transition').map(transition => xmlText(transition, 'StorageClass') ?? '')
  }
}

/** What `rule` does to current objects below `prefix`, if anything. */
export function harmOf ({ deletes, isEnabled, moves, needsTag, prefix: covered }: LifecycleRule, prefix: string): Harm | undefined {
  // Our objects have no tags; a rule for a longer prefix than ours covers some of them.
  if (!isEnabled || needsTag || !(prefix.startsWith(covered) || covered.startsWith(prefix))) return undefined
  if (deletes) return { severity: 'error', does: 'deletes objects' }
  const archive = moves.find(storageClass => /Archive/.test(storageClass))
  if (archive !== undefined) return { severity: 'error', does: `archives objects (${archive}), which cannot be read until they are restored,` }
  return moves.includes('IA') ? { severity: 'warning', does: 'moves objects to IA, which charges for reading and early deletion,' } : undefined
}
