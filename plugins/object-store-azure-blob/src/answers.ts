import { BaseRequestPolicy, type HttpOperationResponse, type RequestPolicy, type RequestPolicyOptions, type WebResource } from '@azure/storage-blob'
import { checkMark, type HttpAnswer } from '@streambed/sdk/remote'

/** Headers that Azure sets on every answer. */
export const marks = /^x-ms-/

type Headers = HttpAnswer['headers']

/** What the SDK holds an answer's headers in: policies see the one, errors the other. */
export type SdkHeaders = { headersArray (): readonly { readonly name: string, readonly value: string }[] } | Iterable<[name: string, value: string]>

export function headersOf (headers: SdkHeaders): Headers {
  const pairs = 'headersArray' in headers ? headers.headersArray().map(({ name, value }): [string, string] => [name, value]) : [...headers]
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]))
}

/** Holds each success to be Azure's, before the SDK reads anything into it; what is no success, `failureOf` tells apart. */
export class AnswerPolicy extends BaseRequestPolicy {
  // eslint-disable-next-line @typescript-eslint/no-useless-constructor -- that of the base is protected
  constructor (next: RequestPolicy, options: RequestPolicyOptions) { super(next, options) }

  async sendRequest (request: WebResource): ReturnType<RequestPolicy['sendRequest']> {
    const answer = await this._nextPolicy.sendRequest(request)
    try {
      if (answer.status < 300) checkMark({ status: answer.status, headers: headersOf(answer.headers) }, marks)
    } catch (error) {
      discard(answer)
      throw error
    }
    return answer
  }
}

/** Frees the connection of an answer that nobody reads. */
function discard ({ readableStreamBody }: HttpOperationResponse): void {
  (readableStreamBody as { destroy?: () => void } | undefined)?.destroy?.()
}
