import type { PriceTable } from '@streambed/sdk'
import type { OssOptions } from './options.ts'

const source = 'https://www.alibabacloud.com/help/en/oss/product-overview/storage-fees'

/**
 * List prices of Standard storage, locally redundant, in mainland China: storage as the source gives it, requests by the yuan (0.01 a
 * 10,000, listing and deletion among them) as secondary sources gave them. Check your region's; zone-redundant storage costs a quarter more.
 */
const standard: PriceTable = Object.freeze({
  currency: 'USD', region: 'mainland China, Standard, LRS', readOn: '2026-11', source,
  perThousand: { put: 0.00014, get: 0.00014, list: 0.00014, delete: 0.00014 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0.0173
})
const own: PriceTable = Object.freeze({
  currency: 'USD', region: 'a service of your own: nothing by the request', readOn: '2026-11', source: 'none',
  perThousand: { put: 0, get: 0, list: 0, delete: 0 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0
})

export function pricesOf ({ endpoint }: OssOptions): PriceTable {
  return endpoint === undefined || new URL(endpoint).hostname.endsWith('.aliyuncs.com') ? standard : own
}
