import type { Environment } from '@streambed/sdk'
import { nearestFolder, release } from '@streambed/sdk/batch-log'

/**
 * Rejects with UNSUPPORTED where the file system of a new log has no direct access, before anything of the log is made (W-12). A
 * file must be made to find out; it goes again.
 */
export async function requireDirectAccess (path: string, { fileSystem, logger, random }: Environment): Promise<void> {
  const probe = `${await nearestFolder(path, fileSystem)}/.streambed-${Buffer.from(random.bytes(8)).toString('hex')}`
  try {
    const handle = await fileSystem.open(probe, 'createNew', { synchronous: true, direct: true })
    await release(logger, 'probe of direct access', () => handle.close())
  } finally {
    await removeProbe(probe, fileSystem)
  }
}

/** Linux makes the file even where it then refuses to open it so. */
async function removeProbe (probe: string, fileSystem: Environment['fileSystem']): Promise<void> {
  try {
    await fileSystem.remove(probe)
  } catch { /* It was not made; or it stays, empty, and does no harm. */ }
}
