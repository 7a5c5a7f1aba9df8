import type { Environment, Logger } from '../environment.ts'
import type { FileHandle } from '../file-system.ts'

/** Frees a file or lock. A failure is only told: no data depends on it, and it must not hide why we stop. */
export async function release (logger: Logger, what: string, action: () => Promise<void> | undefined): Promise<void> {
  try {
    await action()
  } catch (error) {
    logger.warn('could not be released; it goes with the process', { what, cause: String(error) })
  }
}

/** Closes `handle` unless `make` succeeds, which then owns it. */
export async function owning<T> (handle: FileHandle, { logger }: Environment, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    await release(logger, 'file', () => handle.close())
    throw error
  }
}
