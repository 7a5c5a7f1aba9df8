/** From this share of the room for data not yet uploaded on, producers are slowed down; at all of it, refused. */
const slowFrom = 0.75
const throttleMsMax = 2_000

/** Tells producers to slow down (KIP-219) as the object store falls behind, before the WAL has to refuse them. */
export class BackPressure {
  readonly #pressure: () => number
  /** `pressure`: the share of the room that is taken, 0 to 1. */
  constructor (pressure: () => number) { this.#pressure = pressure }

  /** How long the producer of the answer at hand should pause. 0 while there is room. */
  produceThrottleMs (): number {
    const excess = (this.#pressure() - slowFrom) / (1 - slowFrom)
    return excess <= 0 ? 0 : Math.round(Math.min(excess, 1) * throttleMsMax)
  }
}
