#!/usr/bin/env node
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { configCommand } from './commands/config.ts'
import { consumeCommand } from './commands/consume.ts'
import { doctorCommand } from './commands/doctor.ts'
import { dumpCommand } from './commands/dump.ts'
import { nodeCommand } from './commands/node.ts'
import { pluginCommand } from './commands/plugin.ts'
import { produceCommand } from './commands/produce.ts'
import { recoverCommand } from './commands/recover.ts'
import { startCommand } from './commands/start.ts'
import { topicCommand } from './commands/topic.ts'
import { fail } from './failure.ts'

await yargs(hideBin(process.argv))
  .scriptName('streambed')
  .usage('$0 <command>\n\nA Kafka-compatible broker whose data lives in storage services.')
  .command(startCommand)
  .command(configCommand)
  .command(topicCommand)
  .command(produceCommand)
  .command(consumeCommand)
  .command(doctorCommand)
  .command(dumpCommand)
  .command(nodeCommand)
  .command(recoverCommand)
  .command(pluginCommand)
  .demandCommand(1, 'Name a command; --help lists them.')
  .strict()
  .recommendCommands()
  .version(false)
  .help()
  .fail((message, error) => fail(error ?? new Error(message)))
  .parseAsync()
  .catch(fail)
