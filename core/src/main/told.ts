import type { Environment, Timer } from '@streambed/sdk'

const toldAfterMs = 1_000
const toldEveryMs = 10_000

/** Does `work`, and says in the log that it is waited for when it takes long: whoever watches a start sees where it stands. */
export async function told<T> (what: string, { clock, logger }: Pick<Environment, 'clock' | 'logger'>, work: () => Promise<T>): Promise<T> {
  const startMs = clock.monotonicMs()
  const tellAfter = (delayMs: number): Timer => clock.schedule(delayMs, () => {
    logger.info(`waiting for ${what}`, { sinceMs: Math.round(clock.monotonicMs() - startMs) })
    timer = tellAfter(toldEveryMs)
  })
  let timer = tellAfter(toldAfterMs)
  try {
    return await work()
  } finally {
    timer.cancel()
  }
}
