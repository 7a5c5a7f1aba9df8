import type { PriceTable } from '@streambed/sdk'
import type { AzureBlobOptions } from './options.ts'

const source = 'https://azure.microsoft.com/pricing/details/storage/blobs/'

/** List prices of general-purpose v2 accounts, hot tier, LRS, as secondary sources gave them; check your region's. */
const hot: PriceTable = Object.freeze({
  currency: 'USD', region: 'East US, hot, LRS', readOn: '2026-11', source,
  perThousand: { put: 0.0055, get: 0.00044, list: 0.0055, delete: 0 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0.018
})
const own: PriceTable = Object.freeze({
  currency: 'USD', region: 'a service of your own: nothing by the request', readOn: '2026-11', source: 'none',
  perThousand: { put: 0, get: 0, list: 0, delete: 0 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0
})

export function pricesOf ({ endpoint }: AzureBlobOptions): PriceTable {
  return endpoint === undefined || new URL(endpoint).hostname.endsWith('.windows.net') ? hot : own
}
