import type { PriceTable } from '@streambed/sdk'
import { isDirectoryBucket } from './directory-bucket.ts'
import type { S3Options } from './options.ts'

const source = 'https://aws.amazon.com/s3/pricing/'

/** List prices of us-east-1, as the public price page gave them; storage of the first 50 TB. */
const standard: PriceTable = Object.freeze({
  currency: 'USD', region: 'us-east-1, S3 Standard', readOn: '2026-11', source,
  perThousand: { put: 0.005, get: 0.0004, list: 0.005, delete: 0 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0.023
})
const express: PriceTable = Object.freeze({
  currency: 'USD', region: 'us-east-1, S3 Express One Zone', readOn: '2026-11', source,
  perThousand: { put: 0.00113, get: 0.00003, list: 0.00113, delete: 0 },
  perGb: { written: 0.0032, read: 0.0006 },
  perGbMonth: 0.11
})
const own: PriceTable = Object.freeze({
  currency: 'USD', region: 'a service of your own: nothing by the request', readOn: '2026-11', source: 'none',
  perThousand: { put: 0, get: 0, list: 0, delete: 0 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0
})

export function pricesOf (options: S3Options): PriceTable {
  if (options.endpoint !== undefined) return own
  return isDirectoryBucket(options.bucket) ? express : standard
}
