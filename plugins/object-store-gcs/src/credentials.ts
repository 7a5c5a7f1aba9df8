import { GoogleAuth, JWT, type AuthClient } from 'google-auth-library'
import type { GcsOptions } from './options.ts'

/** Reading and writing objects, and reading what a bucket is set to. */
const scopes = 'https://www.googleapis.com/auth/devstorage.read_write'

/** Where requests get their `authorization` from. */
export interface Credentials {
  headers (): Promise<Readonly<Record<string, string>>>
  /**
   * Takes in that the service refused what `headers` gave. Tells whether it had been good before: then it has run out
   * or was withdrawn, and the next call gets a fresh one.
   */
  refused (): boolean
  accepted (): void
}

/** What Google's library finds: it fetches tokens, and renews them before they run out. */
export type TokenSource = Pick<AuthClient, 'getRequestHeaders'>

/** The key that was given, or application default credentials. */
export async function findTokenSource ({ serviceAccountKey: key }: GcsOptions): Promise<TokenSource> {
  // A project is needed for nothing that we ask; unless told one, the library finds out which, at a service that federated identities may not use.
  if (key === undefined) return await new GoogleAuth({ scopes, projectId: 'none' }).getClient()
  return new JWT({ email: key.client_email, key: key.private_key, scopes, ...key.private_key_id === undefined ? {} : { keyId: key.private_key_id } })
}

/**
 * Credentials by Google's own library. It takes no signal: a call that is aborted meanwhile leaves a fetch of a token behind,
 * which ends by itself.
 */
export class GoogleCredentials implements Credentials {
  readonly #find: () => Promise<TokenSource>
  #source: Promise<TokenSource> | undefined
  #isProven = false

  constructor (find: () => Promise<TokenSource>) { this.#find = find }

  async headers (): Promise<Readonly<Record<string, string>>> {
    try {
      this.#source ??= this.#find()
      const source = await this.#source
      return Object.fromEntries(await source.getRequestHeaders())
    } catch (error) {
      // What failed is not kept: the next call asks the chain again.
      this.#source = undefined
      throw new CredentialsError(error)
    }
  }

  refused (): boolean {
    const wasProven = this.#isProven
    this.#source = undefined
    this.#isProven = false
    return wasProven
  }

  accepted (): void { this.#isProven = true }
}

export const noCredentials: Credentials = Object.freeze({
  headers: async () => ({}),
  refused: () => false,
  accepted: () => undefined
})

/** No token could be had. `isTransient`: the network or the token service failed, not the credentials. */
export class CredentialsError extends Error {
  readonly isTransient: boolean

  constructor (cause: unknown) {
    const { code, message = '', response, status = response?.status } = (cause ?? {}) as { readonly code?: string | number, readonly status?: number, readonly message?: string, readonly response?: { readonly status?: number } }
    super(message.split('\n', 1)[0]!.slice(0, 200), { cause })
    this.isTransient = (status !== undefined && (status >= 500 || status === 429)) || (typeof code === 'string' && /^E[A-Z]{3,}/.test(code) && code !== 'ENOENT' && code !== 'EACCES')
  }
}
