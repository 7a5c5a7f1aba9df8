import type { Logger } from '@streambed/sdk'

/** Frees a file or lock. A failure is only told: no data depends on it, and it must not hide why we stop. */
export async function release (logger: Logger, what: string, action: () => Promise<void> | undefined): Promise<void> {
  try {
    await action()
  } catch (error) {
    logger.warn('could not be released; it goes with the process', { what, cause: String(error) })
  }
}
