import { StreambedError, sleep, type Clock, type ObjectStore, type Random } from '@streambed/sdk'

const triesMax = 12
const retried: ReadonlySet<PropertyKey> = new Set(['get', 'head', 'list', 'delete'])

/**
 * An object store as a host gives it to a log that lives in one: reads and deletes are done again, a few times; puts are not.
 * Drivers leave that to the host, so a log is never without it.
 */
export function hostStore (inner: ObjectStore, { clock, random }: { readonly clock: Clock, readonly random: Random }): ObjectStore {
  const again = async (call: () => Promise<unknown>): Promise<unknown> => {
    for (let tries = 1; ; tries++) {
      try {
        return await call()
      } catch (error) {
        if (!StreambedError.is(error) || !error.retriable || tries === triesMax) throw error
        await sleep(clock, Math.min(200, 5 * 2 ** tries) * (0.5 + random.fraction()))
      }
    }
  }
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => retried.has(name) ? again(() => Reflect.apply(value, target, args) as Promise<unknown>) : Reflect.apply(value, target, args)
    }
  })
}
