import { valueProblem, type ConfigProblem } from './config-problem.ts'
import { topicConfigs } from './topic-config-table.ts'

const minLag = 'min.compaction.lag.ms'
const maxLag = 'max.compaction.lag.ms'

/** What is wrong with the overrides of a topic, if anything. Unknown names come first. */
export function topicConfigsProblem (overrides: Readonly<Record<string, string>>): ConfigProblem | undefined {
  for (const name of Object.keys(overrides)) {
    if (!topicConfigs.has(name)) return { kind: 'unknown', name, expected: 'expected a topic setting of Kafka 4' }
  }
  for (const [name, text] of Object.entries(overrides)) {
    const problem = valueProblem(topicConfigs.get(name)!, text)
    if (problem !== undefined) return { kind: 'invalid', name, expected: problem }
  }
  const [lagMin, lagMax] = [minLag, maxLag].map(name => BigInt((overrides[name] ?? topicConfigs.get(name)!.default!).trim()))
  if (lagMin! > lagMax!) return { kind: 'invalid', name: minLag, expected: `expected at most ${maxLag} (${lagMax})` }
  return undefined
}
