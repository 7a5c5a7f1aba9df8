import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { StreambedError } from '@streambed/sdk'

// What rot does to the parts of a log, for the tests that fill docs/rot.md: each damage of each kind of file or object, after a clean stop
// and after a kill, ends in one of three ways. The table is held to what the tests find, both ways.

export type Stop = 'clean' | 'killed'
export type Damage = 'one bit' | 'shortened' | 'deleted' | 'an older copy'
/**
 * `refused`: by a code that means damage, with the place in the message and nothing changed. `whole`: all that was acknowledged is
 * there. `told`: the broker starts, and whoever reads what is damaged is told.
 */
export type Verdict = 'refused' | 'whole' | 'told' | 'lost'

const document = path.join(import.meta.dirname, '..', 'docs', 'rot.md')
const sectorBytes = 512

/**
 * What becomes of `bytes`: undefined where the part is gone. A bit in each sector, and in each of the first 64 bytes; cuts at each sector, and
 * inside. `step`: of a large file only every so many bytes, and fewer of the first.
 */
export function * damagesOf (bytes: Uint8Array, older: Uint8Array | undefined, step = sectorBytes): Generator<{ readonly damage: Damage, readonly where: number, readonly bytes: Uint8Array | undefined }> {
  const bitAt = new Set<number>()
  for (let at = 0; at < Math.min(64, bytes.length); at += step === sectorBytes ? 1 : 9) bitAt.add(at * 8 + at % 8)
  for (let at = 0; at < bytes.length; at += step) for (const within of [0, 3 + at / sectorBytes * 37 % 500, 507]) if (at + within < bytes.length) bitAt.add((at + within) * 8 + at / sectorBytes % 8)
  if (bytes.length > 0) bitAt.add(bytes.length * 8 - 1)
  for (const bit of bitAt) {
    const damaged = bytes.slice()
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    yield { damage: 'one bit', where: bit, bytes: damaged }
  }
  const sizes = new Set([bytes.length - 1])
  for (let size = 0; size < bytes.length; size += step) for (const inside of [0, 211]) sizes.add(size + inside)
  for (const size of sizes) if (size >= 0 && size < bytes.length) yield { damage: 'shortened', where: size, bytes: bytes.slice(0, size) }
  yield { damage: 'deleted', where: 0, bytes: undefined }
  if (older !== undefined && Buffer.compare(older, bytes) !== 0) yield { damage: 'an older copy', where: 0, bytes: older }
}

/** `place`: what a refusal must name, at least. Other failures than refusals are rethrown. */
export async function verdictOf (read: () => Promise<boolean>, place: string): Promise<Verdict> {
  try {
    return await read() ? 'whole' : 'lost'
  } catch (error) {
    if (!StreambedError.is(error, 'CORRUPT', 'MISCONFIGURED', 'UNSUPPORTED', 'WRONG_MEDIUM')) throw error
    assert.ok(error.message.includes(place), `a refusal must name the place: ${error.message}`)
    return 'refused'
  }
}

/** Verdicts by part, damage and stop, as a table of docs/rot.md. */
export class RotTable {
  readonly #cells = new Map<string, Map<string, Map<Stop, Set<Verdict>>>>()

  add (part: string, damage: string, stop: Stop, verdict: Verdict): void {
    const damages = this.#cells.get(part) ?? new Map<string, Map<Stop, Set<Verdict>>>()
    const stops = damages.get(damage) ?? new Map<Stop, Set<Verdict>>()
    const verdicts = stops.get(stop) ?? new Set<Verdict>()
    this.#cells.set(part, damages.set(damage, stops.set(stop, verdicts.add(verdict))))
  }

  /** Fails unless the section's table in the document is this one. `STREAMBED_WRITE_ROT=1` writes it there. */
  check (section: string): void {
    const text = readFileSync(document, 'utf8')
    const begin = `<!-- ${section}: held to the tests -->\n`
    const start = text.indexOf(begin)
    assert.ok(start >= 0, `docs/rot.md has no table for ${section}`)
    const from = start + begin.length
    const to = text.indexOf('<!-- end -->', from)
    const table = this.#toMarkdown()
    // oxlint-disable-next-line no-restricted-properties -- the one who writes the document says so
    if (process.env['STREAMBED_WRITE_ROT'] === '1') writeFileSync(document, text.slice(0, from) + table + text.slice(to))
    else assert.equal(text.slice(from, to), table)
  }

  /**
   * Where moments decide, one run need not meet every ending: fails unless each that was met is in the section's table. What the document
   * lists besides is what other runs have met.
   */
  checkMet (section: string): void {
    const text = readFileSync(document, 'utf8')
    const start = text.indexOf(`<!-- ${section}: held to the tests -->\n`)
    assert.ok(start >= 0, `docs/rot.md has no table for ${section}`)
    const documented = new Map(text.slice(start, text.indexOf('<!-- end -->', start)).split('\n').filter(line => line.startsWith('| ')).map(line => {
      const [, part, damage, clean, killed] = line.split('|').map(each => each.trim())
      return [`${part}, ${damage}`, { clean: clean!.split(', '), killed: killed!.split(', ') }] as const
    }))
    for (const [part, damages] of this.#cells) {
      for (const [damage, stops] of damages) {
        for (const [stop, verdicts] of stops) {
          for (const verdict of verdicts) assert.ok(documented.get(`${part}, ${damage}`)?.[stop].includes(words[verdict]), `${section}: ${part}, ${damage}, ${stop}: ${words[verdict]} is not in docs/rot.md`)
        }
      }
    }
  }

  #toMarkdown (): string {
    const lines = ['| part | damage | after a clean stop | after a kill |', '|---|---|---|---|']
    for (const [part, damages] of this.#cells) {
      for (const [damage, stops] of damages) lines.push(`| ${part} | ${damage} | ${cell(stops.get('clean'))} | ${cell(stops.get('killed'))} |`)
    }
    return `${lines.join('\n')}\n`
  }
}

const words: Readonly<Record<Verdict, string>> = { refused: 'refused', whole: 'whole', told: 'readers are told', lost: '**not told**' }

function cell (verdicts: ReadonlySet<Verdict> | undefined): string {
  if (verdicts === undefined) return ''
  return (['refused', 'whole', 'told', 'lost'] as const).filter(verdict => verdicts.has(verdict)).map(verdict => words[verdict]).join(', ')
}
