/**
 * Takes the next batch from the front of `queue`: as many as fit within both bounds, and one in any case where there is one.
 * They are taken out, not passed over: a queue that never runs empty would keep every record that it ever held.
 */
export function takeBatch<T extends { readonly size: number }> (queue: T[], recordsMax: number, bytesMax: number): { readonly batch: T[], readonly bytes: number } {
  let bytes = 0
  let count = 0
  while (count < queue.length && count < recordsMax) {
    const { size } = queue[count]!
    if (count > 0 && bytes + size > bytesMax) break
    bytes += size
    count++
  }
  return { batch: queue.splice(0, count), bytes }
}
