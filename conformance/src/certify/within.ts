import { StreambedError, type Clock } from '@streambed/sdk'

/** What `pending` settles with, or TIMEOUT with `message` after `limitMs`. */
export async function within<T> (clock: Clock, limitMs: number, message: string, pending: Promise<T>): Promise<T> {
  return await new Promise((resolve, reject) => {
    const timer = clock.schedule(limitMs, () => { reject(new StreambedError('TIMEOUT', message)) })
    pending.then(resolve, reject).finally(() => { timer.cancel() })
  })
}
