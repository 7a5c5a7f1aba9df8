/** Direct access wants memory at multiples of the device's block; 4,096 does for all. */
export const alignmentBytes = 4096

/** The part of a global of Node that its types leave to the browser's. */
declare const WebAssembly: { readonly Memory: new (size: { readonly initial: number, readonly maximum: number }) => { readonly buffer: ArrayBuffer } }

const pageBytes = 65_536
/** Bytes of each kind of buffer, smallest first. The largest bounds one call to the system. */
const sizes = [pageBytes, 2 ** 20, 8 * 2 ** 20] as const
export const stagingBytesMax: number = sizes[2]
const keptMax = 4

const kept: Uint8Array[][] = sizes.map(() => [])

/**
 * Memory that begins on a page, at least `bytes` long, at most `stagingBytesMax`. Node cannot ask for alignment; the memory of
 * WebAssembly has it. It is reserved in address space, not in RAM, so buffers are few and used again.
 */
export function takeAligned (bytes: number): Uint8Array {
  const kind = Math.max(0, sizes.findIndex(size => size >= bytes))
  return kept[kind]!.pop() ?? new Uint8Array(new WebAssembly.Memory({ initial: sizes[kind]! / pageBytes, maximum: sizes[kind]! / pageBytes }).buffer)
}

/** Only once the system uses it no more. */
export function giveAligned (memory: Uint8Array): void {
  const kind = sizes.findIndex(size => size === memory.length)
  if (kept[kind]!.length < keptMax) kept[kind]!.push(memory)
}
