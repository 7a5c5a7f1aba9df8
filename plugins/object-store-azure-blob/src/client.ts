import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { AnonymousCredential, BaseRequestPolicy, ContainerClient, StorageSharedKeyCredential, newPipeline, type RequestPolicy, type RequestPolicyOptions, type WebResource } from '@azure/storage-blob'
import { AnswerPolicy } from './answers.ts'
import type { AzureBlobOptions } from './options.ts'

interface Agents { readonly http: HttpAgent, readonly https: HttpsAgent }
type Credential = Parameters<typeof newPipeline>[0]

/** A container, and what ends its sockets. */
export interface OpenContainer { readonly container: ContainerClient, readonly close: () => void }

/** The SDK with its retries off (the host has that layer) and agents of our own, which limit connections; every answer is checked. */
export async function openContainer (options: AzureBlobOptions): Promise<OpenContainer> {
  const { connectionString, connectionsMax, container: name } = options
  const limits = { keepAlive: true, maxSockets: connectionsMax }
  const agents = { http: new HttpAgent(limits), https: new HttpsAgent(limits) }
  const { credential, url } = connectionString === undefined ? { credential: await credentialOf(options), url: urlOf(options) } : new ContainerClient(connectionString, name)
  const pipeline = newPipeline(credential, { retryOptions: { maxTries: 1 } })
  pipeline.factories.unshift({ create: (next, policyOptions) => new AgentPolicy(next, policyOptions, agents) }, { create: (next, policyOptions) => new AnswerPolicy(next, policyOptions) })
  return {
    container: new ContainerClient(url, pipeline),
    close: () => {
      agents.http.destroy()
      agents.https.destroy()
    }
  }
}

class AgentPolicy extends BaseRequestPolicy {
  readonly #agents: Agents

  constructor (next: RequestPolicy, options: RequestPolicyOptions, agents: Agents) {
    super(next, options)
    this.#agents = agents
  }

  async sendRequest (request: WebResource): ReturnType<RequestPolicy['sendRequest']> {
    request.agent = request.url.startsWith('http:') ? this.#agents.http : this.#agents.https
    return await this._nextPolicy.sendRequest(request)
  }
}

/** A signature is a query of the container's URL, which the SDK carries over to every request. */
function urlOf ({ account, container, endpoint, sasToken }: AzureBlobOptions): string {
  const url = (endpoint ?? `https://${account}.blob.core.windows.net`).replace(/\/$/, '')
  return `${url}/${container}${sasToken === undefined ? '' : `?${sasToken.replace(/^\?/, '')}`}`
}

async function credentialOf ({ account, accountKey, sasToken }: AzureBlobOptions): Promise<Credential> {
  if (accountKey !== undefined) return new StorageSharedKeyCredential(account!, accountKey)
  if (sasToken !== undefined) return new AnonymousCredential()
  // Large, and needed for identities alone.
  const { DefaultAzureCredential } = await import('@azure/identity')
  return new DefaultAzureCredential()
}
