import { inspect } from 'node:util'
import type { Environment, Logger, ObjectStore, PriceTable } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern } from '../assertions.ts'
import type { Target } from '../certify/target.ts'
import { NotRun } from '../faults/fault-harness.ts'

/** Shorter ones stand in any text by chance. */
const secretCharsMin = 6

/** Looks for the secrets of the options in everything that the plugin says while it works and while it fails (OS-O04). */
export async function tellsNoSecret (target: Target, run: string, environment: Environment): Promise<void> {
  const secrets = target.secrets.filter(({ length }) => length >= secretCharsMin)
  if (secrets.length === 0) throw new NotRun('no option is given by reference, as secrets are ({ env: NAME } or { file: PATH })', 'notApplicable')
  const said: string[] = []
  const place = target.place(run)
  await using store = await target.open(place, { ...environment, logger: hearing(said) }) as ObjectStore
  const hear = async (what: Promise<unknown>): Promise<void> => { await what.then(() => undefined, (error: unknown) => { said.push(inspect(error, { depth: 12, showHidden: true })) }) }
  await store.put('secret/a', pattern(10))
  await hear(store.get('secret/none'))
  await hear(store.put('secret/a', pattern(10), { ifAbsent: true }))
  await hear(store.get('secret/a', { signal: AbortSignal.abort(new Error('enough')) }))
  await hear(store.get('../..'))
  said.push(inspect(await store.preflight()), inspect(store, { depth: 12 }), process.title)
  await hear(unreachable(target, run, environment, said))
  const all = said.join('\n')
  for (const [index, secret] of secrets.entries()) assert.ok(!all.includes(secret), `secret ${index + 1} of ${secrets.length}, given by reference, stands in a log line, an error or a finding`)
}

/** Opens where nobody answers: errors of connections carry the most. */
async function unreachable (target: Target, run: string, environment: Environment, said: string[]): Promise<void> {
  if (target.endpoint === undefined) return
  const place = target.place(run, 'http://127.0.0.1:9')
  await using store = await target.open(place, { ...environment, logger: hearing(said) }) as ObjectStore
  await store.get('secret/a')
}

function hearing (said: string[]): Logger {
  const hear = (message: string, fields?: object): void => { said.push(message, inspect(fields)) }
  const logger: Logger = { debug: hear, info: hear, warn: hear, error: hear, child: fields => { said.push(inspect(fields)); return logger } }
  return logger
}

/** What is wrong with the prices that a plugin tells, which every estimate is made of (OS-O02). */
export function priceProblems ({ currency, perGb, perGbMonth, perThousand, readOn, region, source }: PriceTable): string[] {
  const problems: string[] = []
  if (!/^[A-Z]{3}$/.test(currency)) problems.push(`the currency is no code of three letters: ${currency}`)
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(readOn)) problems.push(`when the prices were read is no month YYYY-MM: ${readOn}`)
  if (source.trim() === '' || region.trim() === '') problems.push('source or region is not named')
  for (const [name, price] of Object.entries({ ...perThousand, ...perGb, perGbMonth })) if (!Number.isFinite(price) || price < 0) problems.push(`the price '${name}' is no amount: ${price}`)
  return problems
}

export async function namesItsPrices (target: Target): Promise<void> {
  const prices = await target.prices()
  if (prices === undefined) throw new NotRun('using it costs nothing by the request or byte', 'notApplicable')
  assert.deepEqual(priceProblems(prices), [])
}
