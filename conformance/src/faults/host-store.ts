import { withRetry, type ObjectStore, type RetryHost } from '@streambed/sdk'

const retry = { delayMsMin: 10, delayMsMax: 200, deadlineMs: Infinity, attemptsMax: 12 }
const retried: ReadonlySet<PropertyKey> = new Set(['get', 'head', 'list', 'delete'])

/**
 * An object store as a host gives it to a log that lives in one: reads and deletes are done again, a few times; puts are not.
 * Drivers leave that to the host, so a log is never without it.
 */
export function hostStore (inner: ObjectStore, host: RetryHost): ObjectStore {
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => retried.has(name) ? withRetry(() => Reflect.apply(value, target, args) as Promise<unknown>, host, retry) : Reflect.apply(value, target, args)
    }
  })
}
