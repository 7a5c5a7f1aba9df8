import type { ContainerClient } from '@azure/storage-blob'
import type { Clock, Finding } from '@streambed/sdk'
import { failureOf } from './errors.ts'

const skewMsMax = 5 * 60_000

/** What only Azure can get wrong: the container, policies that forbid deletion, the clock. */
export async function preflight (container: ContainerClient, clock: Clock, signal: AbortSignal): Promise<readonly Finding[]> {
  let properties
  try {
    properties = await container.getProperties({ abortSignal: signal })
  } catch (error) {
    const { code, detail, remedy } = failureOf(error)
    // The answer to a HEAD has no body, so that a missing container looks like a missing blob.
    const isMissing = code === 'NOT_FOUND' || /code=ContainerNotFound\b/.test(detail)
    return [{
      severity: 'error',
      problem: isMissing ? `the container does not exist. container=${container.containerName}` : `the container cannot be reached: ${code} ${detail} container=${container.containerName}`,
      remedy: isMissing ? 'Create the container, or correct its name.' : remedy ?? 'Check endpoint, account, network and credentials.'
    }]
  }
  const findings: Finding[] = []
  const { date, hasImmutabilityPolicy, hasLegalHold, isImmutableStorageWithVersioningEnabled } = properties
  const skewMs = date === undefined ? 0 : clock.wallMs() - date.getTime()
  if (Math.abs(skewMs) > skewMsMax) {
    findings.push({ severity: 'error', problem: `this machine's clock is ${Math.round(skewMs / 1000)} s off the service's`, remedy: 'Synchronise the clock: Azure refuses requests signed more than 15 minutes off.' })
  }
  if (hasImmutabilityPolicy === true || hasLegalHold === true || isImmutableStorageWithVersioningEnabled === true) {
    findings.push({ severity: 'error', problem: 'the container keeps blobs from being deleted (immutability policy or legal hold)', remedy: 'Use a container without: objects that are no longer needed could not be removed, and would cost money for ever.' })
  }
  return findings
}
