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
  contract: 'the contract has no such call, or does not tell what would be compared',
  hours: 'it takes an hour or more; a soak is not built',
  root: 'it needs root and a layer below the file system; the bundled plugins are tested so by their own tests',
  cloud: 'it needs an account whose settings the suite may change',
  machine: 'where other programs run it would judge them, too; the figures are in the report',
  caller: 'it is about who calls the plugin: how often losers of a race ask again is up to them',
  later: 'what it is about is not in this version of Streambed'
} as const

const catalogues: Readonly<Record<Plugin['kind'], readonly CatalogueEntry[]>> = {
  objectStore: objectStoreCatalogue,
  wal: walCatalogue,
  metadataLog: metadataLogCatalogue
}

export function catalogueOf (kind: Plugin['kind']): readonly CatalogueEntry[] { return catalogues[kind] }

/** Whether a run up to `level` holds the checks of `candidate`. */
export function isWithin (level: Level, candidate: Level): boolean { return levels.indexOf(candidate) <= levels.indexOf(level) }
