import { bytesChanged, codeOf, detailOf, isOwnRefusal, isWholeXml, strangersRefusal, verdictOf, xmlText, type Refused, type ServiceFailure, type Verdict, type Verdicts } from '@streambed/sdk/remote'
import { headersOf, marks, type SdkHeaders } from './answers.ts'

const keysRemedy = 'Check the credentials, and that their role may read, write, delete and list blobs (Storage Blob Data Contributor).'

/** What Azure's error codes mean (Blob service REST API, Blob service error codes; Common REST API error codes). */
const verdictByCode: Readonly<Record<string, Verdict>> = {
  BlobNotFound: { code: 'NOT_FOUND' },
  ResourceNotFound: { code: 'NOT_FOUND' },
  ContainerNotFound: { code: 'MISCONFIGURED', remedy: 'Create the container, or correct its name.' },
  ContainerBeingDeleted: { code: 'MISCONFIGURED', remedy: 'The container is being deleted: use another one.' },
  ContainerDisabled: { code: 'MISCONFIGURED', remedy: 'An administrator has disabled the container.' },
  BlobAlreadyExists: { code: 'ALREADY_EXISTS' },
  ConditionNotMet: { code: 'ALREADY_EXISTS' }, // the only condition that we set is that the key is free
  BlobImmutableDueToPolicy: { code: 'MISCONFIGURED', remedy: 'Take the immutability policy or legal hold from the container.' },
  BlobArchived: { code: 'MISCONFIGURED', remedy: 'The blob was archived: take the rule that archives from our prefix, and rehydrate it.' },
  BlobBeingRehydrated: { code: 'UNAVAILABLE' },
  InvalidRange: { code: 'OUT_OF_RANGE' },
  Md5Mismatch: bytesChanged,
  InvalidMd5: bytesChanged,
  AuthenticationFailed: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AuthorizationFailure: { code: 'PERMISSION_DENIED', remedy: `${keysRemedy} The account's firewall may refuse this network.` },
  AuthorizationPermissionMismatch: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AuthorizationProtocolMismatch: { code: 'MISCONFIGURED', remedy: 'Use https: the account or the signature asks for it.' },
  InsufficientAccountPermissions: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  InvalidAuthenticationInfo: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  KeyBasedAuthenticationNotPermitted: { code: 'PERMISSION_DENIED', remedy: 'The account allows no keys: leave accountKey out and use an identity.' },
  NoAuthenticationInformation: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AccountIsDisabled: { code: 'PERMISSION_DENIED', remedy: 'Enable the storage account.' },
  CredentialUnavailableError: { code: 'PERMISSION_DENIED', remedy: 'Give credentials: a managed or workload identity, AZURE_CLIENT_ID and its kin, or accountKey.' },
  AggregateAuthenticationError: { code: 'PERMISSION_DENIED', remedy: 'Give credentials: a managed or workload identity, AZURE_CLIENT_ID and its kin, or accountKey.' },
  AuthenticationError: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AuthenticationRequiredError: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  InvalidResourceName: { code: 'INVALID_ARGUMENT' },
  InvalidUri: { code: 'INVALID_ARGUMENT' },
  OutOfRangeInput: { code: 'INVALID_ARGUMENT' },
  RequestBodyTooLarge: { code: 'INVALID_ARGUMENT' },
  MetadataTooLarge: { code: 'INVALID_ARGUMENT' },
  UnsupportedHeader: { code: 'UNSUPPORTED' },
  ServerBusy: { code: 'THROTTLED' },
  InternalError: { code: 'NO_VERDICT' },
  OperationTimedOut: { code: 'NO_VERDICT' } // it may have been carried out
}

/** Of answers without a code that we know: a HEAD's has none. */
const verdicts: Verdicts = {
  byCode: verdictByCode,
  byStatus: {
    401: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
    403: { code: 'PERMISSION_DENIED', remedy: keysRemedy }
  }
}

interface AzureError {
  readonly name?: string
  /** Of the service, or of Node. */
  readonly code?: string
  readonly statusCode?: number
  readonly message?: string
  readonly details?: { readonly errorCode?: string }
  readonly response?: { readonly headers?: SdkHeaders, readonly bodyAsText?: string | null }
  readonly errors?: readonly AzureError[]
}

/** What an error of the SDK says, for `ObjectService`. */
export function failureOf (error: unknown): ServiceFailure {
  const { code: given, details, message = '', name = '', response, statusCode } = (error ?? {}) as AzureError
  const refused = statusCode === undefined ? undefined : refusedBy({ status: statusCode, text: response?.bodyAsText ?? '', headers: response?.headers === undefined ? {} : headersOf(response.headers) }, response === undefined ? given : undefined)
  if (refused !== undefined && !isOwnRefusal(refused, marks)) return { code: 'NO_VERDICT', detail: strangersRefusal(refused).message }
  const code = codeOf([refused?.code, details?.errorCode, given, name], verdicts)
  // The SDK's message goes on with headers; the first line says it.
  return { ...verdictOf({ code, status: statusCode }, verdicts), detail: detailOf({ status: statusCode, code, requestId: refused?.headers['x-ms-request-id'], message }) }
}

/** `code` is given of a part of a batch, which has no answer of its own. */
function refusedBy (answer: Omit<Refused, 'code'>, code: string | undefined): Refused {
  const header = answer.headers['x-ms-error-code']
  return { ...answer, code: code ?? (typeof header === 'string' ? header : isWholeXml(answer.text, 'Error') ? xmlText(answer.text, 'Code') : undefined) }
}
