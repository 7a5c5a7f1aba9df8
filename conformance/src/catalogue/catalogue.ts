import type { Plugin } from '@streambed/sdk'
import { metadataLogCatalogue } from './metadata-log.ts'
import { objectStoreCatalogue } from './object-store.ts'
import { walCatalogue } from './wal.ts'

/** Cumulative, in this order. */
export const levels = ['core', 'durability', 'fault', 'latency', 'scale'] as const
export type Level = typeof levels[number]

/** A check by its id, which keeps its meaning for ever. */
export interface CatalogueEntry {
  readonly id: string
  readonly level: Level
  readonly name: string
  /** Why this version of the suite does not have it; absent when it does. */
  readonly missing?: keyof typeof missingBecause
}

export const missingBecause = {
  contract: 'the contract has no such call',
  hours: 'it takes an hour or more; a soak is not built',
  root: 'it needs root and a layer below the file system; the bundled plugins are tested so by their own tests',
  cloud: 'it needs an account whose settings the suite may change',
  unbuilt: 'it is not built'
} as const

const catalogues: Readonly<Record<Plugin['kind'], readonly CatalogueEntry[]>> = {
  objectStore: objectStoreCatalogue,
  wal: walCatalogue,
  metadataLog: metadataLogCatalogue
}

export function catalogueOf (kind: Plugin['kind']): readonly CatalogueEntry[] { return catalogues[kind] }

/** Whether a run up to `level` holds the checks of `candidate`. */
export function isWithin (level: Level, candidate: Level): boolean { return levels.indexOf(candidate) <= levels.indexOf(level) }
