import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { StreambedError } from '../errors.ts'

/**
 * Secrets by reference: where an option of a backend is `{ env: NAME }` or `{ file: PATH }`, the plugin gets the text of
 * that environment variable or file (without the line end at its end). Configurations, logs and the metadata log hold
 * the reference alone.
 */
export class References {
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #baseFolder: string

  constructor (environment: Readonly<Record<string, string | undefined>>, baseFolder: string) {
    this.#environment = environment
    this.#baseFolder = baseFolder
  }

  /** `options` with every reference in them followed. MISCONFIGURED when one leads nowhere; `where` begins the message. */
  async follow (options: Readonly<Record<string, unknown>>, where: (key: string) => string): Promise<Readonly<Record<string, unknown>>> {
    const followed = await Promise.all(Object.entries(options).map(async ([key, value]) => [key, await this.#follow(value, () => where(key))] as const))
    return Object.fromEntries(followed)
  }

  async #follow (value: unknown, where: () => string): Promise<unknown> {
    if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return value
    const { env, file } = value as { readonly env?: unknown, readonly file?: unknown }
    if (typeof env === 'string') {
      const text = this.#environment[env]
      if (text === undefined || text === '') throw new StreambedError('MISCONFIGURED', `${where()} refers to the environment variable ${env}, which is not set`)
      return text
    }
    if (typeof file === 'string') {
      const target = path.resolve(this.#baseFolder, file)
      try {
        return (await readFile(target, 'utf8')).replace(/\r?\n$/, '')
      } catch (cause) {
        throw new StreambedError('MISCONFIGURED', `${where()} refers to a file that cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
      }
    }
    return value
  }
}
