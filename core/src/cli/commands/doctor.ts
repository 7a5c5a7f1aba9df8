import { StreambedError } from '@streambed/sdk'
import { keepAlive } from '@streambed/sdk/node'
import type { CommandModule } from 'yargs'
import { loadConfig } from '../../main/config/load-config.ts'
import { examine } from '../../main/doctor.ts'
import { nodeHost } from '../../main/node-host.ts'
import { environmentVariables } from '../../runtime/process.ts'

export const doctorCommand: CommandModule<object, { readonly config: string | undefined }> = {
  command: 'doctor',
  describe: 'Check a configuration against the services that it names; ends with 1 when a broker could not rely on them',
  builder: args => args.option('config', { alias: 'c', type: 'string', requiresArg: true, describe: 'Configuration file (YAML)' }),
  handler: async ({ config: file }) => {
    const config = await loadConfig({ environment: environmentVariables, ...file === undefined ? {} : { file } })
    const release = keepAlive()
    let errors = 0
    for await (const { findings, notLookedAt, subject } of examine(config, nodeHost({ logLevel: config.log.level }).environment)) {
      const worst = findings.some(({ severity }) => severity === 'error') ? 'ERROR' : findings.length > 0 ? 'warning' : notLookedAt === undefined ? 'ok' : 'skipped'
      process.stdout.write(`${worst.padEnd(8)}${subject}${notLookedAt === undefined ? '' : `: ${notLookedAt}`}\n`)
      for (const { problem, remedy, severity } of findings) process.stdout.write(`        ${severity}: ${problem}${remedy === '' ? '' : `. ${remedy}`}\n`)
      if (worst === 'ERROR') errors++
    }
    release()
    if (errors > 0) throw new StreambedError('MISCONFIGURED', `a broker could not rely on ${errors} of the backends`)
  }
}
