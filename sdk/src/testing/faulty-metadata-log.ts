import type { MetadataLog } from '../metadata-log.ts'
import { FaultInjector } from './fault-plan.ts'
import type { FaultOptions } from './fault-plan.ts'

/** `inner` with the plan's faults. Closing it closes `inner`. */
export function faultyMetadataLog (inner: MetadataLog, options: FaultOptions): MetadataLog {
  const injector = new FaultInjector(options)

  function call<T> (method: string, changes: boolean, effect: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return injector.apply(injector.decide(method), { method, changes, signal }, effect)
  }

  async function close (): Promise<void> {
    injector.close()
    await inner.close()
  }

  return {
    append: (expectedEnd, entries) => call('append', true, () => inner.append(expectedEnd, entries)),
    read: from => call('read', false, () => inner.read(from)),
    waitForGrowth: (from, o) => call('waitForGrowth', false, () => inner.waitForGrowth(from, o), o.signal),
    writeSnapshot: (at, state) => call('writeSnapshot', true, () => inner.writeSnapshot(at, state)),
    latestSnapshot: () => call('latestSnapshot', false, () => inner.latestSnapshot()),
    truncateBefore: position => call('truncateBefore', true, () => inner.truncateBefore(position)),
    close,
    [Symbol.asyncDispose]: close
  }
}
