import type { Environment } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import type { Finding, ObjectStore, ObjectStoreCapabilities } from '../object-store.ts'

/**
 * Does once, under a name of its own, what a broker relies on, and says what does not hold: write, create only if
 * absent, read, list, delete. Leaves nothing behind.
 */
export async function preflight (store: ObjectStore, capabilities: ObjectStoreCapabilities, environment: Environment, signal: AbortSignal | undefined): Promise<readonly Finding[]> {
  const options = signal === undefined ? {} : { signal }
  const folder = `preflight/${Buffer.from(environment.random.bytes(8)).toString('hex')}`
  const key = `${folder}/probe`
  const body = environment.random.bytes(1024)
  const findings: Finding[] = []
  const step = async (what: string, remedy: string, action: () => Promise<string | undefined>): Promise<boolean> => {
    try {
      const problem = await action()
      if (problem === undefined) return true
      findings.push({ severity: 'error', problem, remedy })
    } catch (error) {
      if (!StreambedError.is(error) || error.code === 'ABORTED' || error.code === 'CLOSED') throw error
      findings.push({ severity: 'error', problem: `${what} failed: ${error.code}: ${error.message}`, remedy })
    }
    return false
  }
  const canWrite = await step('writing an object', 'Give the broker permission to write objects below its prefix, and check endpoint, bucket and region.', async () => {
    await store.put(key, body, { ...options, ifAbsent: capabilities.conditionalCreate === 'atomic' })
    return undefined
  })
  if (!canWrite) return findings
  if (capabilities.conditionalCreate === 'atomic') {
    await step('creating an object only if absent', 'Use a service, a version of it and bucket settings that enforce conditional writes: without them two brokers can overwrite each other.', async () => {
      try {
        await store.put(key, environment.random.bytes(1024), { ...options, ifAbsent: true })
      } catch (error) {
        if (StreambedError.is(error, 'ALREADY_EXISTS')) return undefined
        throw error
      }
      return 'an object that exists was overwritten by a put that asked to create it only if absent'
    })
  }
  await step('reading an object', 'Give the broker permission to read objects below its prefix.', async () => {
    const [whole, part] = await Promise.all([store.get(key, options), store.get(key, { ...options, range: { start: 100, end: 200 } })])
    if (part.length !== 100) return `a range of 100 bytes was answered with ${part.length}`
    return whole.length === body.length ? undefined : `an object of ${body.length} bytes was read as ${whole.length}`
  })
  await step('listing objects', 'Give the broker permission to list the bucket below its prefix.', async () => {
    const { objects } = await store.list(`${folder}/`, options)
    return objects.some(object => object.key === key) ? undefined : 'an object just written is not listed'
  })
  await step('deleting an object', 'Give the broker permission to delete objects below its prefix, and lift retention or legal holds there.', async () => {
    const [outcome] = await store.delete([key], options)
    if (outcome?.kind === 'failed') throw outcome.error
    return undefined
  })
  return findings
}
