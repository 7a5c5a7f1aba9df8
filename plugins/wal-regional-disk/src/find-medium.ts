import { StreambedError, checkOpening, type Environment, type FileStat, type OpeningRequest } from '@streambed/sdk'
import { deviceBytesMin, DeviceMedium } from './device-medium.ts'
import { FolderMedium, type Medium } from './medium.ts'
import { defaultCapacityBytes, type RegionalDiskOptions } from './options.ts'

/** What stands at `options.path`; a folder may be missing yet. Makes nothing. */
export async function findMedium (options: RegionalDiskOptions, environment: Environment, request: OpeningRequest): Promise<Medium> {
  const { path, capacity, lockFile, reservation } = options
  const stat = await statOf(options, environment, request)
  if (stat === undefined || stat.kind === 'directory') {
    if (lockFile !== undefined) throw new StreambedError('MISCONFIGURED', `"lockFile" is for block devices; a folder holds its own lock. path=${path}`)
    if (reservation !== undefined) throw new StreambedError('MISCONFIGURED', `"reservation" is for block devices, and this is a folder; name the device itself as "path", or remove "reservation". path=${path}`)
    return new FolderMedium(path, capacity ?? defaultCapacityBytes, environment)
  }
  if (stat.kind !== 'blockDevice') {
    checkOpening(undefined, request)
    throw new StreambedError('MISCONFIGURED', `the log needs a folder or a block device, and this is neither. path=${path} kind=${stat.kind}`)
  }
  if (capacity !== undefined && capacity > stat.size) {
    throw new StreambedError('MISCONFIGURED', `the device is smaller than the capacity. path=${path} size=${stat.size} capacity=${capacity}`)
  }
  const used = capacity ?? stat.size
  if (used < deviceBytesMin) throw new StreambedError('MISCONFIGURED', `the device is too small: it needs ${deviceBytesMin} bytes. path=${path} size=${stat.size}`)
  return new DeviceMedium(path, used, lockFile ?? `${path}.streambed-lock`, environment)
}

/** Undefined where nothing is and a folder may be made. */
async function statOf ({ path, attach, lockFile, reservation }: RegionalDiskOptions, { fileSystem }: Environment, request: OpeningRequest): Promise<FileStat | undefined> {
  try {
    return await fileSystem.stat(path)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    if (attach !== undefined) throw new StreambedError('UNAVAILABLE', `the attach hook succeeded, but nothing is at the path; it must return only once the disk is there. path=${path}`, { cause: error })
    checkOpening(undefined, request)
    if (reservation !== undefined || lockFile !== undefined) throw new StreambedError('MISCONFIGURED', `there is no device at the path. path=${path}`, { cause: error })
    return undefined
  }
}
