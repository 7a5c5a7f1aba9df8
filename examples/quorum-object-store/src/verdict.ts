import type { CopyHeader } from './copy.ts'

/** What a store is known to hold of a key. */
export type Vote =
  | { readonly kind: 'copy', readonly header: CopyHeader }
  | { readonly kind: 'absent' }
  /** It has not answered, or failed. */
  | { readonly kind: 'unknown', readonly error?: unknown }

export type Verdict =
  | { readonly kind: 'decided', readonly header: CopyHeader }
  | { readonly kind: 'absent' }
  /** No put has won yet, and one can be helped to: the copy of store `from`, in the stores `to`, which have none. */
  | { readonly kind: 'open', readonly from: number, readonly to: readonly number[] }
  /** A store that is away may hold what decides. */
  | { readonly kind: 'unknown' }

/**
 * Whose object a key holds, by the votes of the three stores. A store takes a copy only where it has none, so a vote, once cast, stays; only
 * a sealed copy of the winner may replace a loser's. The winner is who has two votes, or, when three puts have one each, the one in the first
 * store. So once there is a winner, no later vote makes another.
 *
 * A key is absent when two stores have nothing and the third is not known to: who was acknowledged has a copy in one of any two.
 */
export function verdictOf (votes: readonly Vote[]): Verdict {
  const copies = votes.flatMap((vote, store) => vote.kind === 'copy' ? [{ store, header: vote.header }] : [])
  const winner = copies.find(({ header }) => header.isSealed) ?? copies.find(({ header, store }) => copies.some(other => other.store !== store && other.header.owner === header.owner))
  if (winner !== undefined) return { kind: 'decided', header: winner.header }
  if (copies.length === votes.length) return { kind: 'decided', header: copies[0]!.header }
  const absent = votes.flatMap((vote, store) => vote.kind === 'absent' ? [store] : [])
  if (copies.length === 0) return { kind: absent.length >= 2 ? 'absent' : 'unknown' }
  return absent.length === 0 ? { kind: 'unknown' } : { kind: 'open', from: copies[0]!.store, to: absent }
}

/** Whether any two stores, later and without the third, lead to the same winner: all three have its copy, or two a sealed one. */
export function isFirm (votes: readonly Vote[], owner: string): boolean {
  const own = votes.flatMap(vote => vote.kind === 'copy' && vote.header.owner === owner ? [vote.header] : [])
  return own.length === votes.length || own.filter(({ isSealed }) => isSealed).length >= 2
}
