import { StreambedError, mintIdentity, type Environment } from '@streambed/sdk'
import { release } from '@streambed/sdk/batch-log'
import { decodeIdentity, decodeOwner, encodeIdentity, encodeOwner, type Owner } from './format.ts'
import { identityPath, logPath } from './layout.ts'

/** Whose log this is; undefined where nobody has made one. */
export async function readOwner (path: string, { crc32c, fileSystem }: Environment): Promise<Owner | undefined> {
  const bytes = await readIfThere(logPath(path), fileSystem)
  return bytes === undefined ? undefined : decodeOwner(bytes, crc32c, logPath(path))
}

/** Gives a new log the file that says whose it is. Of several openers one gets its own; all resolve with what is there then. */
export async function writeOwner (path: string, owner: Owner, environment: Environment): Promise<Owner> {
  await linkOnce(path, logPath(path), encodeOwner(owner, environment.crc32c), environment)
  const found = await readOwner(path, environment)
  if (found === undefined) throw vanished(logPath(path))
  return found
}

/** Which log this is (W-10); undefined for one that was made before there were identities, or by an opener that died. */
export async function readIdentity (path: string, { crc32c, fileSystem }: Environment): Promise<string | undefined> {
  const bytes = await readIfThere(identityPath(path), fileSystem)
  return bytes === undefined ? undefined : decodeIdentity(bytes, crc32c, identityPath(path))
}

/** Mints one where there is none. Of several openers one gets its own; all resolve with what is there then, durably. */
export async function ensureIdentity (path: string, environment: Environment): Promise<string> {
  const { crc32c, fileSystem, random } = environment
  if (await readIdentity(path, environment) === undefined) await linkOnce(path, identityPath(path), encodeIdentity(mintIdentity(random), crc32c), environment)
  // Whoever linked it may have died before that was durable.
  else await fileSystem.syncDirectory(path)
  const found = await readIdentity(path, environment)
  if (found === undefined) throw vanished(identityPath(path))
  return found
}

/** The file is whole and durable before it gets its name, which one of several openers achieves. */
async function linkOnce (path: string, target: string, bytes: Uint8Array, { fileSystem, logger, random }: Environment): Promise<void> {
  const name = `${target}.${Buffer.from(random.bytes(8)).toString('hex')}`
  const handle = await fileSystem.open(name, 'createNew')
  try {
    await handle.write([bytes], 0)
    await handle.datasync()
  } finally {
    await release(logger, 'file under its first name', () => handle.close())
  }
  try {
    await fileSystem.link(name, target)
  } catch (error) {
    // Another opener's, or ours if the answer to a first attempt of the system was lost.
    if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
  } finally {
    await release(logger, 'first name of a file', () => fileSystem.remove(name))
  }
  await fileSystem.syncDirectory(path)
}

async function readIfThere (file: string, fileSystem: Environment['fileSystem']): Promise<Uint8Array | undefined> {
  try {
    return await fileSystem.readFile(file)
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

function vanished (file: string): StreambedError {
  return new StreambedError('UNAVAILABLE', `a file of the log was made, and is not there. path=${file}`)
}
