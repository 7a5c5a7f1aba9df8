import type { SimulationResult } from './simulation.ts'

/** What a failed run says: what went wrong, and the one command that shows it again. */
export function failureMessage ({ seed, stats, violation }: SimulationResult): string {
  return `seed ${seed}: ${violation?.message ?? 'no violation'}\n  ${JSON.stringify(stats)}\n  replay: npm run simulate -- --seed ${seed} --trace`
}
