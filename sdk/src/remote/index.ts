export {
  Unbelieved, answerBytesMaxOf, checkEcho, checkMark, checkObject, checkPage, checkVersion, isFolderMark, isOwnRefusal, isPage, objectBytes,
  strangersRefusal, wholeJson, wholeXml
} from './believed.ts'
export { contiguous, readBody } from './body.ts'
export { checksumOf, isTagOfParts, md5InTag } from './checksum.ts'
export { HttpClient, HttpStatusError } from './http-client.ts'
export { RemoteObjectStore } from './remote-object-store.ts'
export { sortedPage } from './sorted-page.ts'
export { bytesChanged, codeOf, detailOf, requesterPays, verdictByNetworkCode, verdictByS3Code, verdictByStatus, verdictOf } from './verdicts.ts'
export { isWholeXml, xmlElements, xmlEscaped, xmlText } from './xml.ts'

export type { Refused } from './believed.ts'
export type { HttpAnswer, HttpCall } from './http-client.ts'
export type {
  MultipartService, ObjectService, ServiceBody, ServiceDeleteOutcome, ServiceFailure, ServiceListed, ServiceObject, ServicePage, ServicePart, ServicePut, ServiceUpload
} from './object-service.ts'
export type { RemoteStoreOptions } from './remote-calls.ts'
export type { Verdict, Verdicts } from './verdicts.ts'
