export { contiguous } from './body.ts'
export { HttpClient, HttpStatusError, bytesInRange } from './http-client.ts'
export { RemoteObjectStore } from './remote-object-store.ts'
export { sortedPage } from './sorted-page.ts'
export { xmlElements, xmlEscaped, xmlText } from './xml.ts'

export type { HttpAnswer, HttpCall } from './http-client.ts'
export type {
  MultipartService, ObjectService, ServiceBody, ServiceDeleteOutcome, ServiceFailure, ServiceObject, ServicePart, ServicePut, ServiceUpload
} from './object-service.ts'
export type { RemoteStoreOptions } from './remote-calls.ts'
