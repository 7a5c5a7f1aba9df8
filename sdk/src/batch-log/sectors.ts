/**
 * A batch lies in sectors of 512 bytes, each of which a crash leaves old or new. Each holds 508 bytes of the batch and then its
 * stamp, which is another one in every batch: so it can be told of each sector whether the batch's write reached it.
 */
export const sectorBytes = 512
const stampBytes = 4
const dataBytes = sectorBytes - stampBytes

/** What `contentBytes` of a batch take with their stamps; whole sectors. */
export function stampedBytes (contentBytes: number): number { return Math.ceil(contentBytes / dataBytes) * sectorBytes }

/** Lays `chunks`, back to back, into the sectors of `target`, with their stamps; zeros behind them. */
export function layOut (chunks: readonly Uint8Array[], stamp: number, target: Uint8Array): void {
  const view = new DataView(target.buffer, target.byteOffset, target.length)
  let at = 0
  let room = dataBytes
  for (let c = 0; c < chunks.length; c++) {
    const chunk = chunks[c]!
    for (let from = 0; from < chunk.length;) {
      const take = Math.min(room, chunk.length - from)
      target.set(take === chunk.length ? chunk : chunk.subarray(from, from + take), at)
      from += take
      at += take
      room -= take
      if (room > 0) continue
      view.setUint32(at, stamp, true)
      at += stampBytes
      room = dataBytes
    }
  }
  if (room < dataBytes) {
    target.fill(0, at, at + room)
    view.setUint32(at + room, stamp, true)
    at += room + stampBytes
  }
  target.fill(0, at)
}

/** Moves the `contentBytes` that lie in the sectors of `stored` together, over the stamps, and returns them: a view. */
export function withoutStamps (stored: Uint8Array, contentBytes: number): Uint8Array {
  for (let from = sectorBytes, to = dataBytes; to < contentBytes; from += sectorBytes, to += dataBytes) stored.copyWithin(to, from, from + dataBytes)
  return stored.subarray(0, contentBytes)
}

/** Whether every sector of a batch carries its stamp, so the write of it has reached them all. */
export function isWritten (stored: Uint8Array, contentBytes: number, stamp: number): boolean {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.length)
  for (let end = sectorBytes; end <= stampedBytes(contentBytes); end += sectorBytes) {
    if (view.getUint32(end - stampBytes, true) !== stamp) return false
  }
  return true
}
