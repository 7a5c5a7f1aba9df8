import { GetBucketLifecycleConfigurationCommand, GetBucketVersioningCommand, ListObjectsV2Command, type LifecycleRule, type S3Client } from '@aws-sdk/client-s3'
import type { Clock, Finding } from '@streambed/sdk'
import { failureOf } from './errors.ts'

const skewMsMax = 5 * 60_000

/** What only S3 can get wrong: the bucket, its region, the clock, versions that pile up, rules that delete our objects. */
export async function preflight (client: S3Client, bucket: string, prefix: string, clock: Clock, signal: AbortSignal): Promise<readonly Finding[]> {
  const options = { abortSignal: signal }
  const findings: Finding[] = []
  // By a call that needs no more than listing, which is needed anyway, and whose refusal has a body that says why.
  const page = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1, ...prefix === '' ? {} : { Prefix: prefix } })
  let serviceMs: number | undefined
  page.middlewareStack.add(next => async args => {
    const result = await next(args)
    const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> }
    serviceMs = Date.parse(headers?.date ?? '')
    return result
  }, { step: 'deserialize', name: 'streambedServiceTime' })
  try {
    await client.send(page, options)
  } catch (error) {
    const { code, detail, remedy } = failureOf(error)
    const isMissing = /code=NoSuchBucket\b/.test(detail)
    return [{
      severity: 'error',
      problem: isMissing ? `the bucket does not exist. bucket=${bucket}` : `the bucket cannot be reached: ${code} ${detail} bucket=${bucket}`,
      remedy: isMissing ? 'Create the bucket, or correct its name.' : remedy ?? 'Check endpoint, region, network and credentials.'
    }]
  }
  if (serviceMs !== undefined && Math.abs(serviceMs - clock.wallMs()) > skewMsMax) {
    findings.push({ severity: 'error', problem: `this machine's clock is ${Math.round((clock.wallMs() - serviceMs) / 1000)} s off the service's`, remedy: 'Synchronise the clock: S3 refuses requests signed more than 15 minutes off.' })
  }
  const readable = async <T>(what: string, permission: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      const { code, detail } = failureOf(error)
      // Compatible services lack some of these calls, and the rules with them.
      if (code === 'PERMISSION_DENIED') findings.push({ severity: 'warning', problem: `${what} could not be checked: ${detail}`, remedy: `Allow ${permission} on the bucket.` })
      return undefined
    }
  }
  const versioning = await readable('versioning', 's3:GetBucketVersioning', () => client.send(new GetBucketVersioningCommand({ Bucket: bucket }), options))
  if (versioning?.Status === 'Enabled') {
    findings.push({ severity: 'warning', problem: 'the bucket keeps old versions: deleted objects go on costing money', remedy: 'Suspend versioning, or add a lifecycle rule that expires noncurrent versions after a day.' })
  }
  const lifecycle = await readable('lifecycle rules', 's3:GetLifecycleConfiguration', () => client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), options))
  for (const rule of lifecycle?.Rules ?? []) {
    const harm = harmOf(rule, prefix)
    if (harm !== undefined) findings.push({ severity: 'error', problem: `lifecycle rule '${rule.ID ?? ''}' ${harm} below our prefix. prefix=${JSON.stringify(prefix)}`, remedy: 'Delete the rule, or limit it to a prefix of its own.' })
  }
  return findings
}

/** What `rule` does to current objects below `prefix`, if anything. */
function harmOf (rule: LifecycleRule, prefix: string): string | undefined {
  const { Expiration, Filter, Status, Transitions = [] } = rule
  const covered = Filter?.Prefix ?? Filter?.And?.Prefix ?? ''
  const needsTag = Filter?.Tag !== undefined || (Filter?.And?.Tags?.length ?? 0) > 0
  // Our objects have no tags; a rule for a longer prefix than ours covers some of them.
  if (Status !== 'Enabled' || needsTag || !(prefix.startsWith(covered) || covered.startsWith(prefix))) return undefined
  if (Expiration?.Days !== undefined || Expiration?.Date !== undefined) return 'deletes objects'
  const archive = Transitions.find(({ StorageClass }) => StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE')
  return archive === undefined ? undefined : `archives objects (${archive.StorageClass})`
}
