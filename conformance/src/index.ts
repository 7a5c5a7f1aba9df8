export { onMedium } from './harness.ts'

export type { Harness, Medium, MetadataLogHarness, ObjectStoreHarness, Runner, WalHarness } from './harness.ts'
