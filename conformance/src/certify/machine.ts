import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import os from 'node:os'
import type { Environment } from '../report/report.ts'

export function machine (): Environment {
  return { node: process.version, platform: `${process.platform} ${process.arch}`, kernel: os.release(), cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.cpus().length, memoryBytes: os.totalmem() }
}

export function suiteIdentity (): { readonly package: string, readonly version: string } {
  const { name, version } = JSON.parse(readFileSync(findPackageJSON(import.meta.url)!, 'utf8')) as { readonly name: string, readonly version: string }
  return { package: name, version }
}
