import { NotRun, type Runner } from '@streambed/conformance'
import assert from 'node:assert/strict'

/** Runs those checks of a suite whose id is `only`, or all, without a report. Resolves with the ids of those that failed. */
export async function failuresOf (only: string | undefined, register: (runner: Runner) => void): Promise<string[]> {
  const checks: [string, () => Promise<void>][] = []
  register({ describe: (_, body) => { body() }, it: (name, body) => { checks.push([name.split(' ')[0]!, body]) } })
  const chosen = checks.filter(([id]) => only === undefined || id === only)
  assert.ok(chosen.length > 0, `there is no check ${only}`)
  const failed: string[] = []
  for (const [id, body] of chosen) await body().catch((error: unknown) => { if (!(error instanceof NotRun)) failed.push(id) })
  return failed
}

/** `inner` with some methods replaced by broken ones. */
export function broken<T extends object> (inner: T, defects: Partial<T>): T {
  const methods: Record<PropertyKey, unknown> = {}
  for (const name of Reflect.ownKeys(Object.getPrototypeOf(inner) as object)) {
    const method: unknown = Reflect.get(inner, name)
    if (typeof method === 'function' && name !== 'constructor') methods[name] = calling(method as (...given: never[]) => unknown, inner)
  }
  return { ...methods as T, ...defects }
}

/** Not `method.bind(subject)`: Node 24 takes no bound function as a disposer. */
function calling (method: (...given: never[]) => unknown, subject: object): unknown { return (...given: never[]) => Reflect.apply(method, subject, given) }

/** Until the event loop has gone round once. */
export const pause = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

/** `inner` with some members replaced; for objects whose members are more than methods. */
export function overriding<T extends object> (inner: T, defects: Partial<T>): T {
  return new Proxy(inner, {
    get: (target, name) => {
      if (name in defects) return Reflect.get(defects, name) as unknown
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? calling(value as (...given: never[]) => unknown, target) : value
    }
  })
}
