import { crc32c } from '../crc32c.ts'
import type { Clock, Environment, Random } from '../environment.ts'
import type { FileSystem } from '../file-system.ts'
import { nextTurn, noMetrics, quietLogger } from '../node/node-environment.ts'
import { NodeFileSystem } from '../node/node-file-system.ts'
import { SeededRandom } from './seeded-random.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface TestEnvironmentOptions {
  /** Default: a VirtualClock, which stands still. */
  readonly clock?: Clock
  /** Default: a SeededRandom of a fixed seed. */
  readonly random?: Random
  /** Default: the real one. */
  readonly fileSystem?: FileSystem
}

/** An environment for tests: quiet, and deterministic but for what its file system does. */
export function testEnvironment (options: TestEnvironmentOptions = {}): Environment {
  return {
    clock: options.clock ?? new VirtualClock(),
    random: options.random ?? new SeededRandom('test'),
    fileSystem: options.fileSystem ?? new NodeFileSystem(),
    logger: quietLogger,
    metrics: noMetrics,
    crc32c,
    yieldTurn: nextTurn
  }
}
