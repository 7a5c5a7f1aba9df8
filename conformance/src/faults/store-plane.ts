import { StreambedError, sleep, type CallOptions, type ErrorCode, type MultipartUpload, type ObjectBody, type ObjectStore } from '@streambed/sdk'
import { FaultPlane } from './fault-plane.ts'
import type { Befalling, Passage, Refusal } from './fault.ts'

const codes: Readonly<Record<Refusal, ErrorCode>> = {
  unavailable: 'UNAVAILABLE', throttled: 'THROTTLED', denied: 'PERMISSION_DENIED', full: 'OUT_OF_SPACE', reset: 'UNAVAILABLE',
  tooManyRequests: 'THROTTLED', conflict: 'UNAVAILABLE', expired: 'UNAVAILABLE', skewed: 'UNAVAILABLE'
}

/** Faults between a plugin and the object store it lives in. */
export class StorePlane extends FaultPlane {
  readonly kind = 'store'

  /** `inner` with the faults of this plane. Closing it closes `inner`. */
  wrap (inner: ObjectStore): ObjectStore {
    const call = <T>(action: Passage['action'], name: string, key: string, options: CallOptions | undefined, effect: () => Promise<T>): Promise<T> =>
      this.#apply(this.choose({ action, call: name, name: key }), action, `${name} of ${key}`, options?.signal, effect)
    const upload = (key: string, started: MultipartUpload): MultipartUpload => ({
      uploadPart: (number, body, options) => call('write', 'uploadPart', key, options, () => started.uploadPart(number, body, options)),
      complete: options => call('write', 'complete', key, options, () => started.complete(options)),
      abort: options => call('delete', 'abort', key, options, () => started.abort(options))
    })
    const close = async (): Promise<void> => {
      this.release()
      await inner.close()
    }
    return {
      put: async (key, given, options) => {
        const fault = this.choose({ action: 'write', call: 'put', name: key })
        const isChanged = fault?.kind === 'corrupt' && fault.way === 'up'
        // A late put must store what was given, and the caller may have gone and reused its bytes.
        const body = copyOf(given)
        if (isChanged) flipOne(body)
        return await this.#apply(isChanged ? undefined : fault, 'write', `put of ${key}`, options?.signal, () => inner.put(key, body, withoutSignal(fault, options)))
      },
      get: async (key, options) => {
        const fault = this.choose({ action: 'read', call: 'get', name: key })
        const bytes = await this.#apply(fault, 'read', `get of ${key}`, options?.signal, () => inner.get(key, options))
        if (fault?.kind === 'corrupt' && fault.way === 'down') flipOne(bytes)
        return bytes
      },
      head: (key, options) => call('read', 'head', key, options, () => inner.head(key, options)),
      list: (prefix, options) => call('list', 'list', prefix, options, () => inner.list(prefix, options)),
      delete: async (keys, options) => {
        const fault = this.choose({ action: 'delete', call: 'delete', name: keys[0] ?? '' })
        if (fault?.kind !== 'failOneKey' || keys.length === 0) return await this.#apply(fault, 'delete', `delete of ${keys.length} objects`, options?.signal, () => inner.delete(keys, options))
        const outcomes = await inner.delete(keys.slice(1), options)
        return [{ kind: 'failed', key: keys[0]!, error: failure('unavailable', `delete of ${keys[0]}`) }, ...outcomes]
      },
      startMultipart: (key, options) => call('write', 'startMultipart', key, options, async () => upload(key, await inner.startMultipart(key, options))),
      sweepUploads: (prefix, beforeMs, options) => call('delete', 'sweepUploads', prefix, options, () => inner.sweepUploads(prefix, beforeMs, options)),
      preflight: options => inner.preflight(options),
      close,
      [Symbol.asyncDispose]: close
    }
  }

  async #apply<T> (fault: Befalling | undefined, action: Passage['action'], what: string, signal: AbortSignal | undefined, effect: () => Promise<T>): Promise<T> {
    if (fault === undefined) return await effect()
    switch (fault.kind) {
      case 'corrupt': case 'failOneKey': return await effect()
      case 'refuse': throw failure(fault.as, what)
      case 'loseAnswer':
        await effect()
        throw action === 'write' ? new StreambedError('OUTCOME_UNKNOWN', `${what}: no answer came (fault)`) : failure(fault.as, what)
      case 'delay': return await abandonable(signal, what, (async () => { await sleep(this.clock, fault.ms); return await effect() })())
      case 'hold': return await abandonable(signal, what, (async () => { await fault.wait(); return await effect() })())
      case 'duplicate': {
        const answer = await effect()
        await effect().catch(() => undefined)
        return answer
      }
      default: throw new StreambedError('UNSUPPORTED', `an object store cannot be made to do it: ${fault.kind}`)
    }
  }
}

/** Who aborts stops waiting; what was sent still arrives. */
async function abandonable<T> (signal: AbortSignal | undefined, what: string, pending: Promise<T>): Promise<T> {
  if (signal === undefined) return await pending
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => { reject(new StreambedError('ABORTED', `${what}: nobody waits any more`, { cause: signal.reason })) }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([pending, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    pending.catch(() => undefined)
  }
}

function withoutSignal<T extends CallOptions> (fault: Befalling | undefined, options: T | undefined): T | undefined {
  if (options === undefined || (fault?.kind !== 'hold' && fault?.kind !== 'delay')) return options
  const { signal: _signal, ...rest } = options
  return rest as T
}

function copyOf (body: ObjectBody): Uint8Array { return Uint8Array.from(body instanceof Uint8Array ? body : Buffer.concat(body)) }

export function flipOne (bytes: Uint8Array): void { if (bytes.length > 0) bytes[bytes.length >> 1]! ^= 0x10 }

function failure (as: Refusal, what: string): StreambedError { return new StreambedError(codes[as], `${what} failed (fault: ${as})`) }
