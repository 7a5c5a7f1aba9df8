export { keepAlive } from './keep-alive.ts'
export { NodeFileSystem } from './node-file-system.ts'
export { References } from './references.ts'
export { SystemClock } from './system-clock.ts'
export { SystemRandom } from './system-random.ts'
export { nextTurn, nodeEnvironment, noMetrics, quietLogger } from './node-environment.ts'

export type { NodeEnvironmentOptions } from './node-environment.ts'
