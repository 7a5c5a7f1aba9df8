import { StreambedError } from '@streambed/sdk'
import type { Environment } from '@streambed/sdk'
import path from 'node:path'
import { corrupt, newerFormat } from './errors.ts'
import { replaceFile } from './replace-file.ts'

const size = 32
const magic = 0x5342_4d45 // SBME
const formatVersion = 1

/** Says how far the log reached when it was last closed: it never ends before that. */
export const closedName = 'closed'

/** Whole and durable when it resolves, or as it was. */
export async function writeClosedFile ({ fileSystem, crc32c }: Environment, folder: string, end: number): Promise<void> {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint16(4, formatVersion)
  view.setBigUint64(8, BigInt(end))
  view.setUint32(size - 4, crc32c(bytes.subarray(0, size - 4)))
  await replaceFile({ fileSystem }, path.join(folder, closedName), [bytes])
}

/** Where the log ended then; undefined when it was never closed. Rejects with CORRUPT, for it is written whole or not at all. */
export async function readClosedFile ({ fileSystem, crc32c }: Environment, folder: string): Promise<number | undefined> {
  const file = path.join(folder, closedName)
  let bytes
  try {
    bytes = await fileSystem.readFile(file)
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return undefined
    throw error
  }
  if (bytes.length !== size) throw corrupt(`the file has ${bytes.length} bytes instead of ${size}`, file)
  const view = new DataView(bytes.buffer, bytes.byteOffset, size)
  if (view.getUint32(0) !== magic || view.getUint32(size - 4) !== crc32c(bytes.subarray(0, size - 4))) throw corrupt('the file fails its checksum', file, 0)
  const version = view.getUint16(4)
  if (version !== formatVersion) throw newerFormat(version, formatVersion, file)
  return Number(view.getBigUint64(8))
}
