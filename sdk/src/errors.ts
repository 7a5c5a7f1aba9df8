/**
 * Every failure a caller may act on, and whether the same call may simply be made again.
 * Closed: a code is added only when some caller would act differently on it. `docs/errors.md` explains each.
 */
export const errorTable = {
  ABORTED: { retriable: false, meaning: 'the caller stopped waiting; the effect may still happen' },
  ALREADY_EXISTS: { retriable: false, meaning: 'a create-if-absent found the name taken by somebody else' },
  CLOSED: { retriable: false, meaning: 'the component was closed, or is closing' },
  CONFLICT: { retriable: false, meaning: 'an optimistic change lost its race; read again and decide again' },
  CORRUPT: { retriable: false, meaning: 'bytes fail their checksum or break their format' },
  FENCED: { retriable: false, meaning: 'a newer epoch took over; this writer must never write again' },
  INTERNAL: { retriable: false, meaning: 'an assumption of ours does not hold' },
  INVALID_ARGUMENT: { retriable: false, meaning: 'the caller passed something outside the documented range' },
  LOCKED: { retriable: false, meaning: 'another process holds the resource' },
  MISCONFIGURED: { retriable: false, meaning: 'the configuration cannot work; an operator must change it' },
  NOT_FOUND: { retriable: false, meaning: 'the named thing does not exist' },
  OUTCOME_UNKNOWN: { retriable: false, meaning: 'a write was sent and its answer lost; read back before deciding' },
  OUT_OF_RANGE: { retriable: false, meaning: 'an offset or position outside what is stored' },
  OUT_OF_SPACE: { retriable: true, meaning: 'the medium is full; space must be freed first' },
  OVER_CAPACITY: { retriable: true, meaning: 'a bound of ours is reached; room appears as work drains' },
  PERMISSION_DENIED: { retriable: false, meaning: 'the service or file system refuses our identity' },
  THROTTLED: { retriable: true, meaning: 'the service asks us to slow down' },
  TIMEOUT: { retriable: true, meaning: 'no answer before the deadline to a call that changes nothing' },
  UNAVAILABLE: { retriable: true, meaning: 'the service cannot answer now' },
  UNSUPPORTED: { retriable: false, meaning: 'a capability that is not declared, or a format newer than this program' },
  WRONG_MEDIUM: { retriable: false, meaning: 'what is there is not what was used before: blank, or another; nothing was changed' }
} as const satisfies Readonly<Record<string, { readonly retriable: boolean, readonly meaning: string }>>

export type ErrorCode = keyof typeof errorTable

const brand = Symbol.for('streambed/error')

/** An expected failure. Its `message` is for people and may change; `code` is API. */
export class StreambedError extends Error {
  readonly code: ErrorCode
  readonly [brand] = true

  constructor (code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'StreambedError'
    this.code = code
  }

  get retriable (): boolean { return errorTable[this.code].retriable }

  /** Recognises ours, also from another copy of this package; with codes, only those. */
  static is (error: unknown, ...codes: readonly ErrorCode[]): error is StreambedError {
    if (typeof error !== 'object' || error === null || !(brand in error)) return false
    return codes.length === 0 || codes.includes((error as StreambedError).code)
  }
}

/** Fails with INTERNAL when an assumption of the program itself does not hold. Never for bad input. */
export function invariant (condition: unknown, message: string): asserts condition {
  if (!condition) throw new StreambedError('INTERNAL', `invariant broken: ${message}`)
}
