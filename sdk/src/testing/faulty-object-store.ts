import type { CallOptions, MultipartUpload, ObjectStore } from '../object-store.ts'
import { FaultInjector } from './fault-plan.ts'
import type { FaultOptions } from './fault-plan.ts'

/**
 * `inner` with the plan's faults. Methods are named as in the contract; those of an upload in parts are `uploadPart`,
 * `complete` and `abort`. Closing it closes `inner`.
 */
export function faultyObjectStore (inner: ObjectStore, options: FaultOptions): ObjectStore {
  const injector = new FaultInjector(options)

  function call<T> (method: string, key: string | undefined, changes: boolean, callOptions: CallOptions | undefined, effect: () => Promise<T>): Promise<T> {
    return injector.apply(injector.decide(method, key), { method, changes, signal: callOptions?.signal }, effect)
  }

  function faultyUpload (key: string, upload: MultipartUpload): MultipartUpload {
    return {
      uploadPart: (number, body, o) => call('uploadPart', key, true, o, () => upload.uploadPart(number, body, o)),
      complete: o => call('complete', key, true, o, () => upload.complete(o)),
      abort: o => call('abort', key, true, o, () => upload.abort(o))
    }
  }

  async function close (): Promise<void> {
    injector.close()
    await inner.close()
  }

  return {
    put: (key, body, o) => call('put', key, true, o, () => inner.put(key, body, o)),
    get: (key, o) => call('get', key, false, o, () => inner.get(key, o)),
    head: (key, o) => call('head', key, false, o, () => inner.head(key, o)),
    list: (prefix, o) => call('list', prefix, false, o, () => inner.list(prefix, o)),
    delete: (keys, o) => call('delete', keys[0], true, o, () => inner.delete(keys, o)),
    startMultipart: (key, o) => call('startMultipart', key, true, o, async () => faultyUpload(key, await inner.startMultipart(key, o))),
    sweepUploads: (prefix, beforeMs, o) => call('sweepUploads', prefix, true, o, () => inner.sweepUploads(prefix, beforeMs, o)),
    preflight: o => call('preflight', undefined, false, o, () => inner.preflight(o)),
    close,
    [Symbol.asyncDispose]: close
  }
}
