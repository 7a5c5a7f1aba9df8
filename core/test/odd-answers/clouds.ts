import type { Cloud } from '../../../conformance/test/odd-answers/words.ts'
import { FakeAzure } from '../../../plugins/object-store-azure-blob/test/fake-azure.ts'
import { FakeGcs } from '../../../plugins/object-store-gcs/test/fake-gcs.ts'
import { FakeOss } from '../../../plugins/object-store-oss/test/fake-oss.ts'
import { FakeS3 } from '../../../plugins/object-store-s3/test/fake-s3.ts'
import type { BackendConfig } from '../../src/main/config/broker-config.ts'

export const prefix = 'pre/'

/** A double of a service, in this process. */
export interface Double {
  readonly endpoint: string
  readonly objects: ReadonlyMap<string, { readonly bytes: Buffer }>
  /** What it was asked, where it keeps that. */
  readonly requests?: unknown[]
  nowMs: number
  stop (): Promise<void>
}

/** A service as a broker's configuration names it, and its double. */
export interface CloudUnderTest {
  readonly start: () => Promise<Double>
  readonly backend: (endpoint: string, double: Double) => BackendConfig
}

const common = { prefix, requestTimeout: '400ms' }

export const cloudsUnderTest: Readonly<Record<Cloud, CloudUnderTest>> = {
  s3: {
    start: () => FakeS3.start(),
    backend: endpoint => ({ plugin: 's3', options: { bucket: 'fake-bucket', endpoint, pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b', ...common } })
  },
  azure: {
    start: () => FakeAzure.start(),
    backend: endpoint => ({ plugin: 'azure-blob', options: { container: 'fake-container', account: 'account', endpoint, accountKey: 'a2V5', ...common } })
  },
  gcs: {
    start: () => FakeGcs.start(),
    backend: endpoint => ({ plugin: 'gcs', options: { bucket: 'fake-bucket', endpoint, credentials: 'none', ...common } })
  },
  oss: {
    start: () => FakeOss.start(),
    backend: (endpoint, double) => {
      const { accessKeyId, accessKeySecret, bucket, region } = double as FakeOss
      return { plugin: 'oss', options: { bucket, region, endpoint, pathStyle: true, accessKeyId, accessKeySecret, ...common } }
    }
  }
}
