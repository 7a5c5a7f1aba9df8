import type { MemoryObjectMedium } from '@streambed/sdk/testing'

/** Objects by their key; bytes that are not in a run are zeros. */
export type Golden = Readonly<Record<string, { readonly size: number, readonly runs: readonly (readonly [at: number, hex: string])[] }>>

/**
 * What the versions before identities put: "one" (trimmed), "two" and "three" in epoch 1, closed; "four" in epoch 3, whose process
 * died. At positions 0 to 3.
 */
export const logOfFormat1: Golden = {
  'logs/one/claims/0000000000000003': {
    size: 256,
    runs: [
      [0, '53424f5701000300010000000000000073ba5da4c29d06a0da0d480122a61fbc030000000000000004'],
      [104, '0900636c75737465722d61'],
      [252, '82a58514']
    ]
  },
  'logs/one/root': {
    size: 256,
    runs: [
      [0, '53424f57010002000100000000000000ca6e02f186ea72e0afb4e36f509db3df01'],
      [104, '0900636c75737465722d61'],
      [252, '89c95d6d']
    ]
  },
  'logs/one/slots/0000000000000001/000000000001': {
    size: 267,
    runs: [
      [0, '53424f57010001000100000001000000ca6e02f186ea72e0afb4e36f509db3df01000000000000000200000000000000' +
        '010000000000000001'],
      [72, '02'],
      [88, '010000000000000003000000000000000900636c75737465722d61'],
      [252, 'eff6391703000000a3b3d85274776f']
    ]
  },
  'logs/one/slots/0000000000000001/000000000002': {
    size: 269,
    runs: [
      [0, '53424f57010001000100000001000000ca6e02f186ea72e0afb4e36f509db3df01000000000000000200000000000000' +
        '020000000000000002000000000000000100000000000000020000000000000001000000000000000200000000000000' +
        '05000000000000000900636c75737465722d61'],
      [252, '4cd06f4905000000bc51441c7468726565']
    ]
  },
  'logs/one/slots/0000000000000001/000000000003': {
    size: 256,
    runs: [
      [0, '53424f5701000200010000000000000073ba5da4c29d06a0da0d480122a61fbc03000000000000000200000000000000' +
        '030000000000000003'],
      [104, '0900636c75737465722d61'],
      [252, 'cb6b14f3']
    ]
  },
  'logs/one/slots/0000000000000003/000000000000': {
    size: 268,
    runs: [
      [0, '53424f5701000100010000000100000073ba5da4c29d06a0da0d480122a61fbc030000000000000004'],
      [64, '010000000000000002000000000000000100000000000000030000000000000004000000000000000900636c75737465' +
        '722d61'],
      [252, 'ddb80967040000006e3af3e8666f7572']
    ]
  }
}

export function restore (golden: Golden, medium: MemoryObjectMedium): void {
  for (const [key, { runs, size }] of Object.entries(golden)) {
    const bytes = new Uint8Array(size)
    for (const [at, hex] of runs) bytes.set(Buffer.from(hex, 'hex'), at)
    medium.store(key, bytes, 0)
  }
}
