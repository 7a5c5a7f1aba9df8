import type { Environment } from '@streambed/sdk'
import path from 'node:path'

/** Of files that are not whole yet; a start removes what a crash left of them. */
export const temporarySuffix = '.temporary'

/** Puts `pieces` into `file`, whole and durable when it resolves; after a crash the file is this or what it was. */
export async function replaceFile ({ fileSystem }: Pick<Environment, 'fileSystem'>, file: string, pieces: readonly Uint8Array[]): Promise<void> {
  const temporary = `${file}${temporarySuffix}`
  const handle = await fileSystem.open(temporary, 'create')
  try {
    // One that a crash or a full disk left behind may be longer.
    await handle.truncate(0)
    await handle.write(pieces, 0)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await fileSystem.rename(temporary, file)
  await fileSystem.syncDirectory(path.dirname(file))
}
