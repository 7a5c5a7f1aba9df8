import { StreambedError, sleep } from '@streambed/sdk'
import type { BrokerConfig } from './config/broker-config.ts'
import { openBroker, type Host, type OpenBroker } from './open-broker.ts'
import { Patience } from './patience.ts'
import { Incarnation } from './register-node.ts'

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

/** What ends the process when it ends a broker that had been serving: contradictions. All else may pass, as what worked before was good. */
const finalCodes = ['CORRUPT', 'UNSUPPORTED', 'WRONG_MEDIUM'] as const

/**
 * Runs a broker until it is told to stop. When its write path fails (a disk that errors, a WAL in doubt), or it was fenced while
 * it stood still, it closes all and opens again, which recovers what was confirmed: clients see a restart, not an outage. Rejects
 * when the first opening fails, when the metadata log shows a later process of the same node id, and with `finalCodes`. Told to stop,
 * it waits for stores that do not answer no longer than `Patience` has.
 */
export async function runBroker ({ config, host, onReady, stop }: RunOptions): Promise<void> {
  const { clock, logger } = host.environment
  const incarnation = new Incarnation(host.environment)
  const stopped = new Promise<'stopped'>(resolve => { stop.addEventListener('abort', () => resolve('stopped'), { once: true }) })
  for (let attempt = 0, wasReady = false; !stop.aborted;) {
    let isOpen = false
    using patience = new Patience(clock, stop)
    try {
      await using broker = await openBroker(config, { ...host, giveUp: patience.end }, incarnation)
      patience.serves()
      attempt = 0
      isOpen = true
      wasReady = true
      onReady(broker)
      const outcome = await Promise.race([stopped, broker.failed])
      if (outcome === 'stopped') return
      throw outcome
    } catch (error) {
      if (stop.aborted) return
      // Fenced while opening: somebody is newer. Fenced while running: opening tells.
      if (!wasReady || StreambedError.is(error, ...finalCodes) || (!isOpen && StreambedError.is(error, 'FENCED'))) throw error
      const delayMs = Math.min(reopenDelayMsMin * 2 ** attempt++, reopenDelayMsMax)
      logger.error('the broker failed and is opened again', { delayMs, error: error instanceof Error ? error.message : String(error) })
      await sleep(clock, delayMs, { signal: stop }).catch(() => undefined)
    }
  }
}
