import type { Clock } from '@streambed/sdk'
import type { OssOptions } from './options.ts'
import type { Keys } from './signature.ts'

/** Where signatures get their keys from. */
export interface Credentials {
  keys (): Promise<Keys>
  /** Takes in that the service said of the keys that they have run out: the next call gets fresh ones. */
  expired (): void
}

/** What Alibaba Cloud's library finds keys by; it renews temporary ones 15 minutes before they run out. */
export interface Chain { getCredential (): Promise<{ readonly accessKeyId?: string, readonly accessKeySecret?: string, readonly securityToken?: string }> }

/** Much less than the 15 minutes: keys that are this old are good. */
const keptMs = 60_000

/**
 * Alibaba Cloud's default chain of credentials, by their own library: environment, OIDC role of a pod (RRSA), profiles of the command line,
 * `~/.alibabacloud/credentials`, RAM role of the machine, credentials URI. It takes no signal: a call that is aborted meanwhile leaves a
 * fetch behind, whose own limits end it.
 */
export class ChainCredentials implements Credentials {
  readonly #newChain: () => Promise<Chain>
  readonly #clock: Clock
  #chain: Promise<Chain> | undefined
  #kept: { readonly keys: Keys, readonly atMs: number } | undefined

  constructor (clock: Clock, newChain: () => Promise<Chain>) {
    this.#clock = clock
    this.#newChain = newChain
  }

  async keys (): Promise<Keys> {
    const nowMs = this.#clock.monotonicMs()
    if (this.#kept !== undefined && nowMs - this.#kept.atMs < keptMs) return this.#kept.keys
    try {
      this.#chain ??= this.#newChain()
      const chain = await this.#chain
      const { accessKeyId = '', accessKeySecret = '', securityToken = '' } = await chain.getCredential()
      if (accessKeyId === '' || accessKeySecret === '') throw new Error('the chain found no keys')
      const keys = { accessKeyId, accessKeySecret, ...securityToken === '' ? {} : { securityToken } }
      this.#kept = { keys, atMs: nowMs }
      return keys
    } catch (error) {
      // After its first failure the library asks the last link alone for ever, whichever that was: a chain that failed is not kept.
      this.#chain = undefined
      throw new CredentialsError(error)
    }
  }

  expired (): void {
    this.#chain = undefined
    this.#kept = undefined
  }
}

/** The keys that the operator gave, or the chain. */
export function credentialsOf ({ accessKeyId, accessKeySecret, securityToken }: OssOptions, clock: Clock): Credentials {
  if (accessKeyId === undefined) return new ChainCredentials(clock, newChain)
  const keys = { accessKeyId, accessKeySecret: accessKeySecret!, securityToken }
  return { keys: async () => keys, expired: () => undefined }
}

async function newChain (): Promise<Chain> {
  // Needed without keys alone. The package is CommonJS that was compiled from a default export.
  const library = await import('@alicloud/credentials') as unknown as { readonly default: { readonly default: new () => Chain } }
  return new library.default.default()
}

/** No keys could be had. */
export class CredentialsError extends Error {
  constructor (cause: unknown) {
    super(cause instanceof Error ? cause.message.split('\n', 1)[0]!.slice(0, 400) : 'no keys', { cause })
  }
}
