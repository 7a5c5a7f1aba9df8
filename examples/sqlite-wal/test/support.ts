import type { Wal, WalRecord, WalWriter } from '@streambed/sdk'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { optionsSchema, type SqliteWalOptions } from '../src/options.ts'

export const MiB = 2 ** 20

export interface Folder extends AsyncDisposable { readonly path: string }

export async function temporaryFolder (): Promise<Folder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sqlite-wal-'))
  return { path: folder, [Symbol.asyncDispose]: async () => { await rm(folder, { recursive: true, force: true }) } }
}

export function optionsOf (folder: string, more: object = {}): SqliteWalOptions { return optionsSchema.parse({ path: path.join(folder, 'wal.db'), ...more }) }

export function writerOf (writerEpoch: number): WalWriter { return { clusterId: 'cluster-a', nodeId: 1, writerEpoch } }

export async function recovered (wal: Wal): Promise<WalRecord[]> {
  const records: WalRecord[] = []
  for await (const record of wal.recover()) records.push(record)
  return records
}

/** A record that says which it is; each further byte follows from that. */
export function recordOf (id: number, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(size, 4)).fill(id % 251)
  new DataView(bytes.buffer).setUint32(0, id)
  return bytes
}

/** The id of a record made by `recordOf`; throws when a byte of it is not as it was made. */
export function idOf (data: Uint8Array): number {
  const id = new DataView(data.buffer, data.byteOffset, data.length).getUint32(0)
  if (Buffer.compare(data, recordOf(id, data.length)) !== 0) throw new Error(`record ${id} has other bytes than were appended`)
  return id
}
