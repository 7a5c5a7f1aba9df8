import { StreambedError, type Environment } from '@streambed/sdk'
import { release } from '@streambed/sdk/batch-log'
import { decodeOwner, encodeOwner, type Owner } from './format.ts'
import { logPath } from './layout.ts'

/**
 * Refuses with MISCONFIGURED the log of another cluster or node, before anybody is fenced. A new log gets the file that says
 * whose it is, whole and durable: it is made under another name and linked, which one of several openers achieves.
 */
export async function checkOwner (path: string, owner: Owner, environment: Environment): Promise<void> {
  const found = await readOwner(path, environment) ?? await writeOwner(path, owner, environment)
  if (found.clusterId === owner.clusterId && found.nodeId === owner.nodeId) return
  throw new StreambedError('MISCONFIGURED', `the log belongs to another broker; give this one a path of its own. path=${path} log: cluster=${found.clusterId} node=${found.nodeId} broker: cluster=${owner.clusterId} node=${owner.nodeId}`)
}

async function readOwner (path: string, { crc32c, fileSystem }: Environment): Promise<Owner | undefined> {
  let bytes
  try {
    bytes = await fileSystem.readFile(logPath(path))
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return undefined
    throw error
  }
  return decodeOwner(bytes, crc32c, logPath(path))
}

async function writeOwner (path: string, owner: Owner, environment: Environment): Promise<Owner> {
  const { crc32c, fileSystem, logger, random } = environment
  const name = `${logPath(path)}.${Buffer.from(random.bytes(8)).toString('hex')}`
  const handle = await fileSystem.open(name, 'createNew')
  try {
    await handle.write([encodeOwner(owner, crc32c)], 0)
    await handle.datasync()
  } finally {
    await release(logger, 'owner file', () => handle.close())
  }
  try {
    await fileSystem.link(name, logPath(path))
  } catch (error) {
    // Another opener's, or ours if the answer to a first attempt of the system was lost.
    if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
  } finally {
    await release(logger, 'owner file under its first name', () => fileSystem.remove(name))
  }
  await fileSystem.syncDirectory(path)
  const found = await readOwner(path, environment)
  if (found === undefined) throw new StreambedError('UNAVAILABLE', `the file that names the log's owner was made, and is not there. path=${logPath(path)}`)
  return found
}
