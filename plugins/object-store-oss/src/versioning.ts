import type { Environment } from '@streambed/sdk'
import { xmlText, type HttpAnswer } from '@streambed/sdk/remote'
import type { OssClient } from './client.ts'
import { VersionedBucket, VersioningUnknown, failureOf } from './errors.ts'

/**
 * Keeps us off buckets with versioning. Where it is enabled, and where it was and is suspended, OSS takes no notice of
 * forbid-overwrite and says so to nobody: each of two rivals would be told that it created the object.
 */
export class Versioning {
  readonly #client: OssClient
  readonly #environment: Environment
  #isKnown = false

  constructor (client: OssClient, environment: Environment) {
    this.#client = client
    this.#environment = environment
  }

  /** Asks once, before anything is created. Throws `VersionedBucket`, or `VersioningUnknown` while there is no answer. */
  async refuse (signal: AbortSignal): Promise<void> {
    if (this.#isKnown) return
    let status: string | undefined
    this.#environment.metrics.count('object_store_get_requests')
    try {
      status = xmlText(await this.#client.ask('VersioningConfiguration', { method: 'GET', query: { versioning: '' }, signal }), 'Status')
    } catch (error) {
      if (failureOf(error).code !== 'PERMISSION_DENIED') throw new VersioningUnknown(error)
      // The answers to what we write will tell.
      this.#environment.logger.warn('not allowed to see whether the bucket has versioning, under which nothing can be created conditionally; allow oss:GetBucketVersioning')
    }
    if (status !== undefined && status !== '') throw new VersionedBucket(status)
    this.#isKnown = true
  }

  /** An answer names a version only where there are versions, be it the version `null` of a bucket where they are suspended. */
  refuseAnswer (headers: HttpAnswer['headers']): void {
    if (headers['x-oss-version-id'] !== undefined) throw new VersionedBucket('the answer to a write names a version')
  }
}
