/** The unit of alignment: batches and slots begin on a multiple of it, so a torn write stays within its own block. */
export const blockBytes = 4096

/** The next multiple of `blockBytes`, or `bytes` itself. */
export function alignUp (bytes: number): number { return Math.ceil(bytes / blockBytes) * blockBytes }

/** A view of just these bytes, not of their whole buffer. */
export function viewOf (bytes: Uint8Array): DataView { return new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }

/** Whether every byte is 0. */
export function isZero (bytes: Uint8Array): boolean { return bytes.every(byte => byte === 0) }

/** The first `count` bytes of `chunks`, and the rest. */
export function splitChunks (chunks: readonly Uint8Array[], count: number): readonly [Uint8Array[], Uint8Array[]] {
  const first: Uint8Array[] = []
  const rest: Uint8Array[] = []
  let left = count
  for (const chunk of chunks) {
    const take = Math.min(left, chunk.length)
    if (take > 0) first.push(chunk.subarray(0, take))
    if (take < chunk.length) rest.push(chunk.subarray(take))
    left -= take
  }
  return [first, rest]
}
