import type { Environment, MetadataSnapshot } from '@streambed/sdk'
import { corrupt, newerFormat } from './errors.ts'
import { replaceFile } from './replace-file.ts'

const headerBytes = 40
const magic = 0x5342_4d53 // SBMS
const formatVersion = 1
/** How much is checksummed before other work gets a turn. */
const turnBytes = 4 * 2 ** 20

/** Makes the snapshot's file: under a temporary name first, so that it is there whole or not at all. */
export async function writeSnapshotFile (environment: Environment, file: string, snapshot: MetadataSnapshot): Promise<void> {
  const { fileSystem, crc32c } = environment
  const header = new Uint8Array(headerBytes)
  const view = new DataView(header.buffer)
  view.setUint32(0, magic)
  view.setUint16(4, formatVersion)
  view.setBigUint64(8, BigInt(snapshot.at))
  view.setBigUint64(16, BigInt(snapshot.state.length))
  view.setUint32(24, await checksum(environment, snapshot.state))
  view.setUint32(headerBytes - 4, crc32c(header.subarray(0, headerBytes - 4)))
  await replaceFile({ fileSystem }, file, [header, snapshot.state])
}

/** Reads and verifies the snapshot of position `at`. */
export async function readSnapshotFile (environment: Environment, file: string, at: number): Promise<MetadataSnapshot> {
  const bytes = await environment.fileSystem.readFile(file)
  if (bytes.length < headerBytes) throw corrupt('the snapshot is shorter than its header', file)
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes)
  if (view.getUint32(0) !== magic) throw corrupt('not a snapshot', file, 0)
  if (view.getUint32(headerBytes - 4) !== environment.crc32c(bytes.subarray(0, headerBytes - 4))) throw corrupt("the snapshot's header fails its checksum", file, 0)
  const version = view.getUint16(4)
  if (version !== formatVersion) throw newerFormat(version, formatVersion, file)
  if (Number(view.getBigUint64(8)) !== at) throw corrupt('the snapshot is of another position than its name says', file, 8)
  const state = bytes.subarray(headerBytes)
  if (state.length !== Number(view.getBigUint64(16))) throw corrupt(`the snapshot holds ${state.length} bytes instead of ${view.getBigUint64(16)}`, file)
  if (await checksum(environment, state) !== view.getUint32(24)) throw corrupt('the snapshot fails its checksum', file, headerBytes)
  return { at, state }
}

async function checksum (environment: Environment, bytes: Uint8Array): Promise<number> {
  let crc = 0
  for (let at = 0; at < bytes.length; at += turnBytes) {
    if (at > 0) await environment.yieldTurn()
    crc = environment.crc32c(bytes.subarray(at, at + turnBytes), crc)
  }
  return crc
}
