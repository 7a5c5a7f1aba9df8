export { bytes, duration } from './quantities.ts'
export { durabilityScope } from './scope.ts'
export { remoteOptionDocs, remoteOptions, remoteStoreOptions, type RemoteOptions } from './remote-options.ts'
