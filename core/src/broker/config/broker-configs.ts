import { StreambedError } from '@streambed/sdk'
import { brokerConfigs } from './broker-config-table.ts'
import { valueProblem, type ConfigProblem } from './config-problem.ts'

/** What is wrong with one broker setting, if anything. Says nothing on whether it may change while the broker runs. */
export function brokerConfigProblem (name: string, text: string): ConfigProblem | undefined {
  const definition = brokerConfigs.get(name)
  if (definition === undefined) return { kind: 'unknown', name, expected: 'expected a broker setting of Kafka 4' }
  const problem = valueProblem(definition, text)
  return problem === undefined ? undefined : { kind: 'invalid', name, expected: problem }
}

/**
 * Checks broker settings from a configuration file. Throws MISCONFIGURED, naming the first wrong setting, what was
 * expected and what was given, as `kafka.num.partitions: expected at least 1, got 0`.
 */
export function validateBrokerConfigs (kafka: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(kafka)) {
    const problem = brokerConfigProblem(name, text)
    if (problem === undefined) continue
    const given = brokerConfigs.get(name)?.type === 'password' ? 'a secret' : text
    throw new StreambedError('MISCONFIGURED', `kafka.${name}: ${problem.expected}, got ${given}`)
  }
  const minimum = Number(kafka['group.min.session.timeout.ms'] ?? brokerConfigs.get('group.min.session.timeout.ms')!.default)
  const maximum = Number(kafka['group.max.session.timeout.ms'] ?? brokerConfigs.get('group.max.session.timeout.ms')!.default)
  if (minimum > maximum) throw new StreambedError('MISCONFIGURED', `kafka.group.max.session.timeout.ms: expected at least kafka.group.min.session.timeout.ms (${minimum}), got ${maximum}`)
}
