export { contiguous } from './body.ts'
export { RemoteObjectStore } from './remote-object-store.ts'
export { sortedPage } from './sorted-page.ts'

export type {
  MultipartService, ObjectService, ServiceBody, ServiceDeleteOutcome, ServiceFailure, ServiceObject, ServicePart, ServicePut, ServiceUpload
} from './object-service.ts'
export type { RemoteStoreOptions } from './remote-calls.ts'
