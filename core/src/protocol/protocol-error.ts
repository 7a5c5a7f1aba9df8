/**
 * - CORRUPT: the bytes are not what the format says; the peer's connection is closed.
 * - UNSUPPORTED: well-formed so far, but an API key, version or codec we do not speak.
 * - UNENCODABLE: a value that this version of a message cannot carry; a mistake of the caller.
 */
export type ProtocolErrorCode = 'CORRUPT' | 'UNSUPPORTED' | 'UNENCODABLE'

/** The only error that anything in `protocol/` throws on purpose. Bytes from outside can cause no other. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode

  constructor (code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ProtocolError'
    this.code = code
  }
}

/** CORRUPT, of what would decompress to more than was allowed: perhaps right, but not made. */
export class TooLargeError extends ProtocolError {
  constructor (sizeMax: number, options?: ErrorOptions) {
    super('CORRUPT', `records decompress to more than is allowed. sizeMax=${sizeMax}`, options)
    this.name = 'TooLargeError'
  }
}

export function corrupt (message: string, cause?: unknown): ProtocolError {
  return new ProtocolError('CORRUPT', message, cause === undefined ? undefined : { cause })
}

export function unsupported (message: string): ProtocolError {
  return new ProtocolError('UNSUPPORTED', message)
}

export function unencodable (message: string): ProtocolError {
  return new ProtocolError('UNENCODABLE', message)
}

export function tooLarge (sizeMax: number, cause?: unknown): TooLargeError {
  return new TooLargeError(sizeMax, cause === undefined ? undefined : { cause })
}
