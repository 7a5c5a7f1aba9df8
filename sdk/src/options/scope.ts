import * as z from 'zod'
import type { DurabilityScope } from '../object-store.ts'

const allScopes = ['process', 'host', 'zone', 'region', 'multiRegion'] as const satisfies readonly DurabilityScope[]

/** What only the operator knows of a medium: the loss that it survives. A medium that can be any is given no list. */
export function durabilityScope (): z.ZodType<DurabilityScope>
export function durabilityScope<const Scope extends DurabilityScope> (of: readonly Scope[]): z.ZodType<Scope>
export function durabilityScope (of: readonly DurabilityScope[] = allScopes): z.ZodType<DurabilityScope> {
  return z.enum(of, { error: ({ input }) => `must be one of ${of.join(', ')}, got ${JSON.stringify(input)}` })
}
