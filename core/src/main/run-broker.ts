import { StreambedError, sleep } from '@streambed/sdk'
import type { BrokerConfig } from './config/broker-config.ts'
import { openBroker, type Host, type OpenBroker } from './open-broker.ts'

export interface RunOptions {
  readonly config: BrokerConfig
  readonly host: Host
  /** Ends the run. */
  readonly stop: AbortSignal
  /** Told whenever the broker is ready to serve. */
  readonly onReady: (broker: OpenBroker) => void
}

const reopenDelayMsMin = 200
const reopenDelayMsMax = 10_000

/**
 * Runs a broker until it is told to stop. When its write path fails (a disk that errors, a WAL in doubt) it closes all and
 * opens again, which recovers what was confirmed: clients see a restart, not an outage. A first opening that fails, and being
 * fenced by another process, reject.
 */
export async function runBroker ({ config, host, onReady, stop }: RunOptions): Promise<void> {
  const { clock, logger } = host.environment
  const stopped = new Promise<'stopped'>(resolve => { stop.addEventListener('abort', () => resolve('stopped'), { once: true }) })
  for (let attempt = 0, wasReady = false; !stop.aborted;) {
    try {
      await using broker = await openBroker(config, host)
      attempt = 0
      wasReady = true
      onReady(broker)
      const outcome = await Promise.race([stopped, broker.failed])
      if (outcome === 'stopped') return
      throw outcome
    } catch (error) {
      if (!wasReady || StreambedError.is(error, 'FENCED', 'CORRUPT', 'UNSUPPORTED', 'MISCONFIGURED')) throw error
      const delayMs = Math.min(reopenDelayMsMin * 2 ** attempt++, reopenDelayMsMax)
      logger.error('the broker failed and is opened again', { delayMs, error: error instanceof Error ? error.message : String(error) })
      await sleep(clock, delayMs, { signal: stop }).catch(() => undefined)
    }
  }
}
