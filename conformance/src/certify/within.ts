import { StreambedError, withDeadline, type Clock } from '@streambed/sdk'

/** What `pending` settles with, or TIMEOUT with `message` after `limitMs`. */
export async function within<T> (clock: Clock, limitMs: number, message: string, pending: Promise<T>): Promise<T> {
  return await withDeadline({ clock, limitMs, late: () => new StreambedError('TIMEOUT', message) }, () => pending)
}
