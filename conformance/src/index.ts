export { pattern, rejectsWith, sameBytes } from './assertions.ts'
export { onMedium } from './harness.ts'
export { entriesOf, metadataLogConformance } from './metadata-log/suite.ts'
export { listAll, objectStoreConformance } from './object-store/suite.ts'
export { recoverAll, walConformance } from './wal.ts'

export type { Harness, Medium, MetadataLogHarness, ObjectStoreHarness, Runner, WalHarness } from './harness.ts'
