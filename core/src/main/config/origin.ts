/** Where settings came from: what errors about them blame. */
export class Origin {
  readonly #source: string
  readonly #overrides: readonly Override[]

  /** `source`: the file's name, or that it is the default. */
  constructor (source: string, overrides: readonly Override[] = []) {
    this.#source = source
    this.#overrides = overrides
  }

  /** The environment variable that set what is at `path`, alone or as part of something larger; else the file. */
  of (path: readonly string[]): string {
    const override = this.#overrides.findLast(({ path: overridden }) => overridden.every((name, index) => name === path[index]))
    return override?.variable ?? this.#source
  }

  /** What brought a key that should not be there at all: a variable that set something below it counts too. */
  ofUnknown (path: readonly string[]): string {
    const below = this.#overrides.find(({ path: overridden }) => path.every((name, index) => name === overridden[index]))
    return below?.variable ?? this.of(path)
  }
}

export interface Override { readonly variable: string, readonly path: readonly string[] }
