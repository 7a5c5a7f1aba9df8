import type { Clock, Finding } from '@streambed/sdk'
import { queryOf, type GcsClient } from './client.ts'
import { failureOf, inBucket } from './errors.ts'
import { harmOf, type LifecycleRule } from './lifecycle.ts'
import type { GcsOptions } from './options.ts'

/** What the JSON API tells of a bucket, of what can harm. */
interface Bucket {
  readonly location?: string
  readonly locationType?: string
  readonly versioning?: { readonly enabled?: boolean }
  readonly lifecycle?: { readonly rule?: readonly LifecycleRule[] }
  readonly retentionPolicy?: { readonly retentionPeriod?: string }
  readonly softDeletePolicy?: { readonly retentionDurationSeconds?: string }
  readonly defaultEventBasedHold?: boolean
}

const fields = 'location,locationType,versioning,lifecycle,retentionPolicy,softDeletePolicy,defaultEventBasedHold'
const skewMsMax = 5 * 60_000
const needed = ['create', 'get', 'list', 'delete'].map(verb => `storage.objects.${verb}`)

/** What only Google's service can get wrong: the bucket, where it is, what it keeps, what it deletes, who may what; the clock. */
export async function preflight (client: GcsClient, options: GcsOptions, prefix: string, clock: Clock, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings = [...await permissionFindings(client, options, signal)]
  const path = `/storage/v1/b/${options.bucket}?${queryOf({ fields })}`
  try {
    const { body, headers } = await inBucket(client.send({ method: 'GET', path, signal }))
    findings.push(...clockFindings(clock.wallMs() - Date.parse(headers.date ?? '')))
    findings.push(...bucketFindings(JSON.parse(new TextDecoder().decode(body)) as Bucket, options, prefix))
  } catch (error) {
    const { code, detail, remedy } = failureOf(error)
    if (code === 'PERMISSION_DENIED' && findings.length === 0) {
      findings.push({ severity: 'warning', problem: `the bucket's settings could not be checked: ${detail}`, remedy: 'Allow storage.buckets.get on the bucket (roles/storage.legacyBucketReader).' })
    } else if (code === 'MISCONFIGURED') {
      return [{ severity: 'error', problem: `the bucket does not exist. bucket=${options.bucket}`, remedy: remedy! }]
    } else if (findings.length === 0) {
      findings.push({ severity: 'error', problem: `the bucket cannot be reached: ${code} ${detail} bucket=${options.bucket}`, remedy: remedy ?? 'Check endpoint, network and credentials.' })
    }
  }
  return findings
}

/** Who lacks `storage.buckets.get` may ask this all the same. Emulators have no permissions. */
async function permissionFindings (client: GcsClient, { bucket, credentials }: GcsOptions, signal: AbortSignal): Promise<readonly Finding[]> {
  if (credentials === 'none') return []
  const query = needed.map(permission => `permissions=${permission}`).join('&')
  try {
    const { permissions = [] } = await inBucket(client.ask<{ readonly permissions?: readonly string[] }>({ method: 'GET', path: `/storage/v1/b/${bucket}/iam/testPermissions?${query}`, signal }))
    const missing = needed.filter(permission => !permissions.includes(permission))
    return missing.length === 0 ? [] : [{ severity: 'error', problem: `permissions are missing on the bucket: ${missing.join(', ')}. bucket=${bucket}`, remedy: 'Give the account the role Storage Object User on the bucket (roles/storage.objectUser).' }]
  } catch (error) {
    const { code, detail, remedy } = failureOf(error)
    // What the bucket's own answer will say better.
    if (code === 'MISCONFIGURED' || signal.aborted) return []
    return [{ severity: 'error', problem: `the bucket cannot be reached: ${code} ${detail} bucket=${bucket}`, remedy: remedy ?? 'Check endpoint, network and credentials.' }]
  }
}

/** `skewMs`: NaN where the answer did not tell the time. */
function clockFindings (skewMs: number): readonly Finding[] {
  if (!(Math.abs(skewMs) > skewMsMax)) return []
  return [{ severity: 'error', problem: `this machine's clock is ${Math.round(skewMs / 1000)} s off the service's`, remedy: 'Synchronise the clock: Google refuses tokens asked for at a time that is off.' }]
}

/** What the bucket's settings do to us. */
export function bucketFindings (bucket: Bucket, { location, scope }: GcsOptions, prefix: string): readonly Finding[] {
  const findings: Finding[] = []
  const report = (severity: Finding['severity'], problem: string, remedy: string): void => { findings.push({ severity, problem, remedy }) }
  if (location !== undefined && bucket.location !== undefined && location.toLowerCase() !== bucket.location.toLowerCase()) {
    report('error', `the bucket is in ${bucket.location}, not in ${location}`, 'Use a bucket near the brokers: another region costs money for each byte, and time for each request. Or correct `location`.')
  }
  const survives = bucket.locationType === undefined ? undefined : scopeByType[bucket.locationType]
  if (survives !== undefined && rank[survives] < rank[scope]) {
    report('error', `the bucket survives the loss of less than declared. locationType=${bucket.locationType} scope=${scope}`, `Declare scope: ${survives}, or use a bucket that survives more.`)
  }
  if (bucket.retentionPolicy !== undefined) {
    report('error', `the bucket keeps objects from being deleted for ${bucket.retentionPolicy.retentionPeriod ?? '?'} s (retention policy)`, 'Use a bucket without: objects that are no longer needed could not be removed.')
  }
  if (bucket.defaultEventBasedHold === true) report('error', 'the bucket puts a hold on every new object: none could be deleted', 'Turn the default event-based hold off.')
  if (bucket.versioning?.enabled === true) report('warning', 'the bucket keeps old versions: deleted objects go on costing money', 'Turn object versioning off, or add a lifecycle rule that deletes noncurrent versions after a day.')
  const softSeconds = Number(bucket.softDeletePolicy?.retentionDurationSeconds ?? 0)
  if (softSeconds > 0) report('warning', `the bucket keeps deleted objects for ${Math.round(softSeconds / 86_400)} days, which costs as if they were there (soft delete)`, 'Set the soft delete policy to 0: compaction deletes and rewrites much of what is stored.')
  for (const rule of bucket.lifecycle?.rule ?? []) {
    const harm = harmOf(rule, prefix)
    if (harm !== undefined) report(harm.severity, `a lifecycle rule ${harm.does} below our prefix. prefix=${JSON.stringify(prefix)} condition=${JSON.stringify(rule.condition ?? {})}`, 'Delete the rule, or limit it to prefixes of others (matchesPrefix).')
  }
  return findings
}

const rank = { zone: 0, region: 1, multiRegion: 2 } as const
const scopeByType: Readonly<Record<string, keyof typeof rank>> = { zone: 'zone', region: 'region', 'dual-region': 'multiRegion', 'multi-region': 'multiRegion' }
