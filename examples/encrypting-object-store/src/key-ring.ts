import { StreambedError } from '@streambed/sdk'

/** Keys by their ids. New objects are encrypted with the first; the others are there to read older ones. */
export class KeyRing {
  readonly currentId: string
  readonly #keys: ReadonlyMap<string, Uint8Array>

  /** `text`: a line a key, `<id> <32 bytes in base64>`. Throws what is wrong with it, without a word of the keys. */
  static parse (text: string): KeyRing {
    const keys = new Map<string, Uint8Array>()
    for (const [index, line] of text.split(/\r?\n/).filter(line => line.trim() !== '').entries()) {
      const [id = '', encoded = '', ...rest] = line.trim().split(/\s+/)
      const key = Buffer.from(encoded, 'base64')
      if (!/^[a-z0-9-]{1,16}$/.test(id) || key.length !== keyBytes || key.toString('base64') !== encoded || rest.length > 0) {
        throw new Error(`key ${index + 1} must be written as an id of 1 to 16 of a-z, 0-9 and -, a space, and ${keyBytes} bytes in base64`)
      }
      if (keys.has(id)) throw new Error(`the key id ${id} is there twice`)
      keys.set(id, key)
    }
    if (keys.size === 0) throw new Error('there is no key')
    return new KeyRing(keys)
  }

  private constructor (keys: ReadonlyMap<string, Uint8Array>) {
    this.#keys = keys
    this.currentId = [...keys.keys()][0]!
  }

  get (id: string): Uint8Array {
    const key = this.#keys.get(id)
    if (key === undefined) throw new StreambedError('MISCONFIGURED', `an object was encrypted with a key that is not in \`keys\`; add it, after the first line. keyId=${JSON.stringify(id)}`)
    return key
  }
}

const keyBytes = 32
