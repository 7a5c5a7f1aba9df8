import type { PriceTable } from '@streambed/sdk'
import type { GcsOptions } from './options.ts'

const source = 'https://cloud.google.com/storage/pricing'

/** List prices of Standard storage in one region, flat namespace; check your region's. */
const standard: PriceTable = Object.freeze({
  currency: 'USD', region: 'us-central1, Standard', readOn: '2026-11', source,
  perThousand: { put: 0.005, get: 0.0004, list: 0.005, delete: 0 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0.02
})
const own: PriceTable = Object.freeze({
  currency: 'USD', region: 'an emulator: nothing by the request', readOn: '2026-11', source: 'none',
  perThousand: { put: 0, get: 0, list: 0, delete: 0 },
  perGb: { written: 0, read: 0 },
  perGbMonth: 0
})

export function pricesOf ({ endpoint }: GcsOptions): PriceTable {
  return endpoint === undefined || new URL(endpoint).hostname.endsWith('googleapis.com') ? standard : own
}
