import { StreambedError, type ErrorCode } from '@streambed/sdk'

/** Codes that callers take for a statement about what they asked for: a topic, an offset, a proposal. */
const aboutTheAsked: readonly ErrorCode[] = ['NOT_FOUND', 'OUT_OF_RANGE', 'ALREADY_EXISTS', 'INVALID_ARGUMENT', 'CONFLICT']

/**
 * What a medium says of its own objects and positions, as it may be told to those who asked for something else: the medium cannot
 * answer. `what` failed, in a few words.
 */
export function ofMedium (what: string, error: unknown): unknown {
  return StreambedError.is(error, ...aboutTheAsked) ? new StreambedError('UNAVAILABLE', `${what}. ${error.message}`, { cause: error }) : error
}
