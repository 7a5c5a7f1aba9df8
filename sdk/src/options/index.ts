export { bytes, duration } from './quantities.ts'
export { remoteOptionDocs, remoteOptions, remoteStoreOptions, type RemoteOptions } from './remote-options.ts'
