import type { Environment, Random, Wal, WalWriter } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, testEnvironment, VirtualClock } from '@streambed/sdk/testing'
import { openWal } from '../src/open-wal.ts'

export const KiB = 1024
export const MiB = 1024 * 1024
export const path = '/wal'

export function writerOf (writerEpoch: number): WalWriter { return { clusterId: 'cluster-a', nodeId: 1, writerEpoch } }

export interface Simulated { readonly files: SimulatedFileSystem, readonly environment: Environment, readonly random: SeededRandom }

export function simulated (seed: string | number = 1): Simulated {
  const random = new SeededRandom(seed)
  const clock = new VirtualClock()
  const files = new SimulatedFileSystem({ clock, random: random.fork('disk') })
  return { files, environment: testEnvironment({ clock, random: random.fork('environment'), fileSystem: files }), random }
}

/** Small enough to wrap often. */
export async function openSmall (environment: Environment, writerEpoch: number, capacity = 136 * KiB, at = path): Promise<Wal> {
  return await openWal({ path: at, capacity }, environment, { writer: writerOf(writerEpoch) })
}


/** A record that says which it is, and what each of its bytes must be. */
export function recordOf (id: number, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(size, 8)).fill(id % 251)
  new DataView(bytes.buffer).setUint32(0, id)
  new DataView(bytes.buffer).setUint32(4, bytes.length)
  return bytes
}

/** The id of a record made by `recordOf`; throws when a byte of it is not as it was made. */
export function idOf (data: Uint8Array): number {
  const id = new DataView(data.buffer, data.byteOffset, data.length).getUint32(0)
  const want = recordOf(id, data.length)
  if (Buffer.compare(data, want) !== 0) throw new Error(`record ${id} has other bytes than were appended`)
  return id
}

export function below (random: Random, bound: number): number { return Math.floor(random.fraction() * bound) }
