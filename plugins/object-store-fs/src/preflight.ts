import { StreambedError } from '@streambed/sdk'
import type { Environment, ErrorCode, Finding } from '@streambed/sdk'
import path from 'node:path'
import type { Workspace } from './workspace.ts'

/** As much as a small object: a file system without room for it has none for the broker. */
const probeBytes = 2 ** 20

const remedies: Partial<Record<ErrorCode, string>> = {
  OUT_OF_SPACE: 'Free space on this file system, or raise the quota.',
  NOT_FOUND: 'Something removes files in this folder: stop it. Nothing but the broker may write there.',
  PERMISSION_DENIED: 'Give the user that runs the broker read and write permission.'
}

/** Does once what a put does, beside the objects. */
export async function preflight (environment: Environment, workspace: Workspace, objects: string): Promise<Finding[]> {
  const { fileSystem } = environment
  const probe = workspace.newPath('probe')
  const linked = workspace.newPath('probe')
  const findings: Finding[] = []

  async function attempt (what: string, call: () => Promise<void>, remedy?: string): Promise<boolean> {
    try {
      await call()
      return true
    } catch (error) {
      if (!StreambedError.is(error)) throw error
      const usual = remedies[error.code] ?? 'Check that the file system is mounted and that the system log names no disk error.'
      findings.push({ severity: 'error', problem: `${what}: ${error.message}`, remedy: remedy ?? usual })
      return false
    }
  }

  await attempt('the folder of the objects is not a folder', async () => {
    const { kind } = await fileSystem.stat(objects)
    if (kind !== 'directory') throw new StreambedError('MISCONFIGURED', `it is a ${kind}. path=${objects}`)
  }, 'Move what lies there away, or configure another path.')
  await attempt('the folder of the objects cannot be listed and synced', async () => {
    await fileSystem.list(objects)
    await fileSystem.syncDirectory(objects)
  })
  const isWritten = await attempt(`a file of ${probeBytes} bytes cannot be made durable in ${path.dirname(probe)}`, async () => {
    const handle = await fileSystem.open(probe, 'createNew')
    try {
      await handle.write([new Uint8Array(probeBytes)], 0)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  })
  if (isWritten) {
    await attempt('a file cannot be given a second name', async () => { await fileSystem.link(probe, linked) },
      'Use a file system that has hard links: ext4, xfs, btrfs or NFS.')
  }
  for (const file of [probe, linked]) await removeQuietly(environment, file)
  return findings
}

/** For temporary files: what stays is removed when the store is closed, or by the next to open. */
export async function removeQuietly (environment: Environment, file: string): Promise<void> {
  try {
    await environment.fileSystem.remove(file)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) environment.logger.warn('a temporary file could not be removed', { path: file, error: String(error) })
  }
}
