import type { Clock, Finding } from '@streambed/sdk'
import { xmlElements, xmlText } from '@streambed/sdk/remote'
import type { OssClient } from './client.ts'
import { failureOf } from './errors.ts'
import { harmOf, ruleOf } from './lifecycle.ts'
import type { OssOptions } from './options.ts'

const skewMsMax = 5 * 60_000

/** What only OSS can get wrong: the bucket, its region, versioning, retention, rules that delete or archive, redundancy; the clock. */
export async function preflight (client: OssClient, { bucket, scope }: OssOptions, prefix: string, clock: Clock, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const report = (severity: Finding['severity'], problem: string, remedy: string): void => { findings.push({ severity, problem, remedy }) }
  /** What the bucket is set to, as XML; '' where it is not set, or cannot be seen. */
  const read = async (what: string, query: string, permission: string): Promise<string> => {
    try {
      const { body } = await client.send({ method: 'GET', query: { [query]: '' }, signal })
      return new TextDecoder().decode(body)
    } catch (error) {
      const { code, detail } = failureOf(error)
      if (signal.aborted) throw error
      if (code === 'PERMISSION_DENIED') report('warning', `${what} could not be checked: ${detail}`, `Allow ${permission} on the bucket.`)
      // Not found: it is not set.
      return ''
    }
  }
  try {
    // By a call that needs no more than listing, which is needed anyway.
    const { headers } = await client.send({ method: 'GET', query: { 'list-type': '2', 'max-keys': '1', ...prefix === '' ? {} : { prefix } }, signal })
    const skewMs = clock.wallMs() - Date.parse(headers.date ?? '')
    if (Math.abs(skewMs) > skewMsMax) report('error', `this machine's clock is ${Math.round(skewMs / 1000)} s off the service's`, 'Synchronise the clock: OSS refuses requests signed more than 15 minutes off.')
  } catch (error) {
    const { code, detail, remedy } = failureOf(error)
    const isMissing = code === 'MISCONFIGURED' && /NoSuchBucket/.test(detail)
    return [{
      severity: 'error',
      problem: isMissing ? `the bucket does not exist. bucket=${bucket}` : `the bucket cannot be reached: ${code} ${detail} bucket=${bucket}`,
      remedy: remedy ?? 'Check region, endpoint, network and credentials.'
    }]
  }
  const versioning = xmlText(await read('versioning', 'versioning', 'oss:GetBucketVersioning'), 'Status') ?? ''
  if (versioning !== '') report('error', `the bucket has object versioning (${versioning}): OSS takes no notice there of what must not be overwritten`, 'Use a bucket that never had versioning; it cannot be turned off again.')
  const worm = xmlText(await read('the retention policy', 'worm', 'oss:GetBucketWorm'), 'State') ?? ''
  if (worm === 'Locked' || worm === 'InProgress') report('error', `the bucket keeps objects from being deleted (retention policy, ${worm})`, 'Use a bucket without: objects that are no longer needed could not be removed.')
  const retention = xmlText(await read('retention of objects', 'objectWorm', 'oss:GetBucketObjectWormConfiguration'), 'DefaultRetention')
  if (retention !== undefined) report('error', 'the bucket keeps each new object from being deleted (default retention)', 'Use a bucket without: objects that are no longer needed could not be removed.')
  for (const element of xmlElements(await read('lifecycle rules', 'lifecycle', 'oss:GetBucketLifecycle'), 'Rule')) {
    const rule = ruleOf(element)
    const harm = harmOf(rule, prefix)
    if (harm !== undefined) report(harm.severity, `lifecycle rule '${rule.id}' ${harm.does} below our prefix. prefix=${JSON.stringify(prefix)}`, 'Delete the rule, or limit it to a prefix of its own.')
  }
  const info = await read('redundancy', 'bucketInfo', 'oss:GetBucketInfo')
  if (scope === 'region' && xmlText(info, 'DataRedundancyType') === 'LRS') report('error', 'the bucket survives the loss of less than declared. redundancy=LRS scope=region', 'Declare scope: zone, or use a bucket with zone-redundant storage.')
  return findings
}
