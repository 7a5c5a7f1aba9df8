/** A call on one register. Times are of one clock that never repeats one. */
export interface RegisterCall {
  readonly kind: 'write' | 'read'
  /** What was written, or read; undefined: nothing is there. */
  readonly value: string | undefined
  readonly begunAt: number
  /** Infinity for a write of which nobody knows whether it took effect, or will. */
  readonly endedAt: number
}

/**
 * Whether the calls, each at one moment between its begin and its end, could have come one after the other to a register that is
 * empty at first. Follows Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), with Lowe's memory of where it has been.
 */
export function isLinearizable (calls: readonly RegisterCall[]): boolean {
  const ordered = [...calls].sort((left, right) => left.begunAt - right.begunAt)
  const known = ordered.reduce((set, { endedAt }, index) => endedAt === Infinity ? set : set | 1n << BigInt(index), 0n)
  const visited = new Set<string>()
  const open: { readonly done: bigint, readonly value: string | undefined }[] = [{ done: 0n, value: undefined }]
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { done, value } = state
    if ((done & known) === known) return true
    const name = `${done.toString(36)} ${value ?? ''}`
    if (visited.has(name)) continue
    visited.add(name)
    const next = candidates(ordered, done)
    // A read of what is there changes nothing: to take it at once loses no order.
    const read = next.find(index => ordered[index]!.kind === 'read' && ordered[index]!.value === value)
    if (read !== undefined) open.push({ done: done | 1n << BigInt(read), value })
    else for (const index of next) if (ordered[index]!.kind === 'write') open.push({ done: done | 1n << BigInt(index), value: ordered[index]!.value })
  }
  return false
}

/** Of the calls that are left, those that began before any of them had ended. */
function candidates (ordered: readonly RegisterCall[], done: bigint): number[] {
  const found: number[] = []
  let firstEnd = Infinity
  for (const [index, { begunAt, endedAt }] of ordered.entries()) {
    if ((done >> BigInt(index) & 1n) === 1n) continue
    if (begunAt > firstEnd) break
    found.push(index)
    firstEnd = Math.min(firstEnd, endedAt)
  }
  return found.filter(index => ordered[index]!.begunAt < firstEnd)
}
