import type { CommandModule } from 'yargs'
import { BrokerError } from '../../client/kafka-client.ts'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { withBootstrap, withClient, type BootstrapOptions } from '../bootstrap.ts'

type Named = BootstrapOptions & { readonly name: string }

const create: CommandModule<object, Named & { readonly partitions: number, readonly config: readonly string[] }> = {
  command: 'create <name>',
  describe: 'Create a topic',
  builder: args => withBootstrap(args)
    .positional('name', { type: 'string', demandOption: true })
    .option('partitions', { alias: 'p', type: 'number', default: -1, describe: "How many; -1 for the broker's num.partitions" })
    .option('config', { type: 'string', array: true, default: [] as string[], describe: 'A setting, as NAME=VALUE; may be repeated' }),
  handler: options => withClient(options, async client => {
    await client.createTopic(options.name, { partitions: options.partitions, configs: Object.fromEntries(options.config.map(parseSetting)) })
    process.stdout.write(`created ${options.name}\n`)
  })
}

const list: CommandModule<object, BootstrapOptions & { readonly internal: boolean }> = {
  command: 'list',
  describe: 'List topics, one a line',
  builder: args => withBootstrap(args).option('internal', { type: 'boolean', default: false, describe: 'Internal topics too' }),
  handler: options => withClient(options, async client => {
    const topics = await client.topics(null)
    const names = topics.filter(topic => options.internal || !topic.isInternal).map(topic => topic.name ?? '').sort()
    for (const name of names) process.stdout.write(`${name}\n`)
  })
}

const describe: CommandModule<object, Named> = {
  command: 'describe <name>',
  describe: 'Show partitions, offsets and settings of a topic',
  builder: args => withBootstrap(args).positional('name', { type: 'string', demandOption: true }),
  handler: options => withClient(options, async client => {
    const [topic] = await client.topics([options.name])
    if (topic === undefined || topic.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(topic?.errorCode ?? KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic '${options.name}'`)
    const leaders = await client.leaders(options.name)
    const { inForce, overrides: own } = await client.topicSettings(options.name)
    const overrides = Object.entries(own).map(([name, value]) => `${name}=${value}`)
    process.stdout.write(`topic ${options.name}  partitions ${leaders.length}  settings ${overrides.length === 0 ? 'all default' : overrides.join(' ')}\n`)
    if (inForce['cleanup.policy']?.includes('compact') === true) process.stdout.write('  compact: older records of a key stay, compaction does not run in this release\n')
    for (const [index, leader] of leaders.entries()) {
      const where = { topic: options.name, partition: index }
      const [start, end] = await Promise.all([client.offsetFor(leader, where, -2), client.offsetFor(leader, where, -1)])
      const { leaderEpoch, leaderId } = topic.partitions.find(partition => partition.partitionIndex === index)!
      process.stdout.write(`  partition ${index}  leader ${leaderId}  epoch ${leaderEpoch}  offsets [${start}, ${end})\n`)
    }
  })
}

const remove: CommandModule<object, Named> = {
  command: 'delete <name>',
  describe: 'Delete a topic and all its records',
  builder: args => withBootstrap(args).positional('name', { type: 'string', demandOption: true }),
  handler: options => withClient(options, async client => {
    await client.deleteTopic(options.name)
    process.stdout.write(`deleted ${options.name}\n`)
  })
}

export const topicCommand: CommandModule = {
  command: 'topic <action>',
  describe: 'Create, list, describe and delete topics',
  builder: args => args.command(create).command(list).command(describe).command(remove).demandCommand(1),
  handler: () => undefined
}

function parseSetting (text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new Error(`--config must be NAME=VALUE, got '${text}'`)
  return [text.slice(0, at), text.slice(at + 1)]
}
