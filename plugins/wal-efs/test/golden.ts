import type { SimulatedFileSystem } from '@streambed/sdk/testing'

/** Files by their path; bytes that are not in a run are zeros. */
export type Golden = Readonly<Record<string, { readonly size: number, readonly runs: readonly (readonly [at: number, hex: string])[] }>>

/**
 * What the versions before identities wrote: "one" (trimmed), "two" and "three" in epoch 1, closed; "four" in epoch 3, killed. At
 * positions 68, 4164, 8260 and 12356.
 */
export const logOfFormat1: Golden = {
  '/wal/epochs/0000000000000003': {
    size: 69632,
    runs: [
      [4096, '53424545504f434801000200000000000100000000000000030000000000000045000000000000000010000000000000' +
        '00300000000000000000000058ecfc9b01'],
      [4185, '3000000000000003'],
      [4209, '30'],
      [4222, '20'],
      [36864, '53424545504f434801000200000000000200000000000000030000000000000045000000000000000010000000000000' +
        '0030000000000000000000008e4aa71301'],
      [36953, '3000000000000003'],
      [36977, '30'],
      [36990, '20']
    ]
  },
  '/wal/log': {
    size: 4096,
    runs: [
      [0, '5342454c4f47000001000000000000000100000009'],
      [60, 'a61c315f636c75737465722d61']
    ]
  },
  '/wal/segments/0000000000000001-0000000000': {
    size: 20480,
    runs: [
      [0, '5342455345474d54010000000000000001'],
      [41, '40000000000000afb4e36f509db3df00000000c950adce'],
      [4096, '5342574201004000afb4e36f509db3df000000000000000001'],
      [4136, '0100000003000000a60ecb490000000000000000d9b5ee0f030000006f6e65'],
      [8192, '5342574201004000afb4e36f509db3df001000000000000001'],
      [8232, '0100000003000000ec0f873100000000000000004c7191b10300000074776f'],
      [12288, '5342574201004000afb4e36f509db3df0020000000000000010000000000000045000000000000000100000005000000' +
        '515b22c800000000000000005e32ab79050000007468726565']
    ]
  },
  '/wal/segments/0000000000000003-0000000000': {
    size: 20480,
    runs: [
      [0, '5342455345474d54010000000000000003'],
      [33, '30000000000000004000000000000073ba5da4c29d06a000000000bdfeed28'],
      [4096, '534257420100400073ba5da4c29d06a00030000000000000030000000000000045000000000000000100000004000000' +
        '4e41a10d000000000000000073f88fcb04000000666f7572']
    ]
  }
}

/** Puts them there, durably. Block devices of those names must be there already, and zero. */
export async function restore (golden: Golden, files: SimulatedFileSystem): Promise<void> {
  for (const [path, { runs, size }] of Object.entries(golden)) {
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) await files.makeDirectory(path.slice(0, at)).catch(() => {})
    const handle = await files.open(path, 'create')
    await handle.truncate(size)
    for (const [at, hex] of runs) await handle.write([Buffer.from(hex, 'hex')], at)
    await handle.datasync()
    await handle.close()
    for (let at = path.lastIndexOf('/'); at >= 0; at = path.lastIndexOf('/', at - 1)) {
      await files.syncDirectory(path.slice(0, at) || '/')
      if (at === 0) break
    }
  }
}
