// `npm run test:interop`: clients from outside npm against a broker process, and brokers on storage services. Installs what it can, says what it could not run,
// and ends with the line `N passed, N failed`.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { startBroker } from '../core/bench/processes.ts'
import { takeovers, walKinds, type ProducerKind } from './takeovers/takeovers.ts'

const commandMs = 60_000
const rdkafkaFolder = path.join(import.meta.dirname, 'interop-rdkafka')
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
/** `--long`: as many takeovers as the documents tell of. */
const takeoverRounds = process.argv.includes('--long') ? 100 : 3
let passed = 0
let failed = 0

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-interop-'))
const broker = await startBroker(folder, { STREAMBED_KAFKA__GROUP_INITIAL_REBALANCE_DELAY_MS: '0' })
const bootstrap = `127.0.0.1:${broker.port}`
try {
  if (isReady('kcat', 'kcat', ['kcat', '-V'])) kcat()
  const hasPython = isReady('Python confluent-kafka (librdkafka)', 'python3-confluent-kafka', ['/usr/bin/python3', '-c', 'import confluent_kafka'])
  if (hasPython) python()
  if (hasRdkafka()) rdkafka()
  const jars = javaTools()
  if (jars !== undefined) java(jars)
  await takeoverLoops(hasPython, jars)
  objectStorage()
  largeFiles()
  disks()
} finally {
  await broker.stop()
  fs.rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

/** The plugins for services, brokers that have a bucket and nothing else, and brokers that move between services. */
function objectStorage (): void {
  const at = (name: string): string => path.join(folder, name)
  const variables: Record<string, string> = {}
  try {
    if (process.getuid?.() === 0 && server('ceph.sh', 'install') && server('ceph.sh', 'up', at('ceph'), '7480')) {
      variables['STREAMBED_TEST_S3'] = JSON.stringify({ bucket: 'streambed-test', endpoint: 'http://127.0.0.1:7480', pathStyle: true, accessKeyId: 'test', secretAccessKey: 'testsecret' })
      suites("object-store-s3 on Ceph's gateway", ['plugins/object-store-s3/test/service.test.ts'], variables)
    } else {
      console.log("did not run: object-store-s3 on Ceph's gateway: needs root and Debian's packages ceph-mon ceph-osd radosgw ceph-common")
    }
    if (server('azurite.sh', 'install') && server('azurite.sh', 'up', at('azurite'), '10010')) {
      // The account and the key that Azurite's documentation gives to everybody.
      variables['STREAMBED_TEST_AZURE_BLOB'] = JSON.stringify({
        container: 'streambed-test', account: 'devstoreaccount1', endpoint: 'http://127.0.0.1:10010/devstoreaccount1',
        accountKey: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
      })
      suites('object-store-azure-blob on Azurite', ['plugins/object-store-azure-blob/test/service.test.ts'], variables)
    } else {
      console.log('did not run: object-store-azure-blob on Azurite: npm could not bring it')
    }
    if (server('gcs.sh', 'install') && server('gcs.sh', 'up', at('gcs'), '10020')) {
      variables['STREAMBED_TEST_GCS'] = JSON.stringify({ bucket: 'streambed-test', endpoint: 'http://127.0.0.1:10020', credentials: 'none' })
      suites('object-store-gcs on fake-gcs-server', ['plugins/object-store-gcs/test/service.test.ts', 'plugins/object-store-gcs/test/google-client.test.ts'], variables)
    } else {
      console.log('did not run: object-store-gcs on fake-gcs-server: needs Go, and a module proxy that it reaches')
    }
    if ('STREAMBED_TEST_S3' in variables && server('oss.sh', 'up', at('oss'), '10030', '7480')) {
      variables['STREAMBED_TEST_OSS'] = JSON.stringify({ bucket: 'streambed-test-oss', region: 'cn-hangzhou', endpoint: 'http://127.0.0.1:10030', pathStyle: true, accessKeyId: 'test', accessKeySecret: 'testsecret' })
      suites("object-store-oss on a front to Ceph's gateway", ['plugins/object-store-oss/test/service.test.ts', 'plugins/object-store-oss/test/ali-client.test.ts'], variables)
    } else {
      console.log("did not run: object-store-oss on a front to Ceph's gateway: there is no gateway")
    }
    suites(`brokers on ${Object.keys(variables).length} services and on folders`, ['core/test/kill/combinations.test.ts', 'core/test/process/object-storage.test.ts', 'core/test/process/moving.test.ts', 'core/test/process/doctor.test.ts'], variables)
  } finally {
    server('oss.sh', 'down', at('oss'))
    server('ceph.sh', 'down', at('ceph'))
    server('azurite.sh', 'down', at('azurite'))
    server('gcs.sh', 'down', at('gcs'))
  }
}

/** Each kind of WAL taken over again and again from a process that stands still, under the producers that are there. */
async function takeoverLoops (hasPython: boolean, jars: string | undefined): Promise<void> {
  const at = (name: string): string => path.join(import.meta.dirname, 'takeovers', name)
  const producers: ProducerKind[] = [
    ...hasPython ? [{ name: 'librdkafka', command: ['/usr/bin/python3', at('producer.py')] }] : [],
    ...jars === undefined ? [] : [{ name: 'java', command: ['java', '-Xmx256m', '-cp', jars, at('Producer.java')] }]
  ]
  if (producers.length === 0) {
    console.log('did not run: takeovers under load: neither Python nor Java producers are there')
    return
  }
  for (const wal of Object.keys(walKinds)) {
    const own = path.join(folder, `takeovers-${wal}`)
    fs.mkdirSync(own)
    const name = `${takeoverRounds} takeovers of a broker that stands still, WAL ${wal}, under ${producers.map(producer => producer.name).join(' and ')}`
    try {
      const { acknowledged, codes, failed: refused } = await takeovers({ folder: own, wal, producers, rounds: takeoverRounds })
      passed++
      console.log(`  ok      ${name}: ${acknowledged} acknowledged, ${refused} told as failed ${JSON.stringify(codes)}, none missing, none twice, no object left`)
    } catch (error) {
      failed++
      console.log(`  FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** Logs and objects of more than 2^32 bytes, where the disk has room for them. */
function largeFiles (): void {
  const neededBytes = 20e9
  const { bavail, bsize } = fs.statfsSync(folder)
  if (bavail * bsize < neededBytes) {
    console.log(`did not run: files of more than 2^32 bytes: they take ${neededBytes / 1e9} GB below ${os.tmpdir()}`)
    return
  }
  suites('files of more than 2^32 bytes', ['plugins/wal-regional-disk/test/large.test.ts', 'plugins/object-store-fs/test/large-file.test.ts'], { STREAMBED_TEST_LARGE: '1' })
}

/** Write-ahead logs on devices that this kernel makes, and on what the kernel of a small virtual machine has besides. */
function disks (): void {
  const isRoot = process.getuid?.() === 0
  if (isRoot && server('powercut.sh', 'install')) {
    suites('wal-regional-disk on block devices, power cuts and failing flushes', ['plugins/wal-regional-disk/test/disks.test.ts'], { STREAMBED_TEST_DISKS: '1' })
  } else {
    console.log("did not run: wal-regional-disk on block devices: needs root, loop devices, FUSE and Debian's packages nbdkit libnbd-bin fuse3 e2fsprogs")
  }
  const hasMachine = isRoot && server('vm.sh', 'install')
  for (const { job, name } of [
    { name: 'wal-efs on a kernel NFS server and two hosts', job: 'nfs-job' },
    { name: 'wal-regional-disk on a SCSI disk with reservations and two hosts', job: 'scsi-job' }
  ]) {
    if (!hasMachine) {
      console.log(`did not run: ${name}: needs root and what tools/servers/vm.sh names of Debian's packages`)
      continue
    }
    const folder = path.join(import.meta.dirname, 'servers')
    const { status, stdout } = spawnSync('bash', [path.join(folder, 'vm.sh'), 'run', path.join(folder, 'vm', job), '540'], { encoding: 'utf8', timeout: 10 * commandMs })
    if (/^vm: .*, up /m.test(stdout)) report(name, status, stdout)
    else console.log(`did not run: ${name}: the virtual machine does not start here\n${stdout.slice(-1_000)}`)
  }
}

/** One of the scripts beside this file that bring a server. */
function server (script: string, ...args: string[]): boolean {
  return spawnSync('bash', [path.join(import.meta.dirname, 'servers', script), ...args], { stdio: 'ignore', timeout: 5 * commandMs }).status === 0
}

/** Runs mocha on `specs` with variables that name a service; shows what failed. */
function suites (name: string, specs: readonly string[], variables: Readonly<Record<string, string>>): void {
  const root = path.dirname(import.meta.dirname)
  const args = ['node_modules/mocha/bin/mocha.js', '--timeout', '120000', ...specs.flatMap(spec => ['--spec', spec])]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 10 * commandMs, env: { ...process.env, ...variables } })
  report(name, status, stdout)
}

/** Counts what mocha said; shows it where something failed. */
function report (name: string, status: number | null, stdout: string): void {
  const count = (word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(stdout)?.[1] ?? 0)
  // Nothing passed: it never came to its tests.
  const broken = status === 0 && count('passing') > 0 ? count('failing') : Math.max(1, count('failing'))
  passed += count('passing')
  failed += broken
  console.log(broken === 0 ? `  ok      ${name}: ${count('passing')} tests` : `  FAILED  ${name}\n${stdout.slice(-8_000)}`)
}

/** Whether a program is there, after an attempt to install its package where that is allowed. */
function isReady (what: string, debianPackage: string, probe: readonly string[]): boolean {
  const [program, ...args] = probe as [string, ...string[]]
  const works = (): boolean => spawnSync(program, args, { stdio: 'ignore', timeout: commandMs }).status === 0
  if (works()) return true
  if (process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get')) {
    const quiet = { stdio: 'ignore', timeout: 5 * commandMs, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const
    spawnSync('apt-get', ['update'], quiet)
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], quiet)
    if (works()) return true
  }
  console.log(`did not run: ${what}: not installed, and could not be; on Debian: apt-get install ${debianPackage}`)
  return false
}

function check (name: string, action: () => void): void {
  try {
    action()
    passed++
    console.log(`  ok      ${name}`)
  } catch (error) {
    failed++
    console.log(`  FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function run (program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, { input, timeout: commandMs, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Our own command line, as one more client. */
function streambed (args: readonly string[], input = ''): string {
  return run(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, '../core/src/cli/main.ts'), ...args, '--bootstrap', bootstrap], input)
}

function same (got: string, wanted: readonly string[]): void {
  const lines = got.split('\n').filter(line => line !== '').sort()
  if (lines.join() !== [...wanted].sort().join()) throw new Error(`wanted ${wanted.join()} got ${lines.join()}`)
}

function kcat (): void {
  const base = ['-b', bootstrap, '-X', 'broker.address.family=v4']
  for (const codec of codecs) {
    const lines = Array.from({ length: 100 }, (_, index) => `kcat-${codec}-${index}`)
    check(`kcat produces ${codec}; kcat and streambed read it`, () => {
      run('kcat', [...base, '-P', '-t', `kcat-${codec}`, '-z', codec], `${lines.join('\n')}\n`)
      same(run('kcat', [...base, '-C', '-t', `kcat-${codec}`, '-o', 'beginning', '-e', '-q']), lines)
      same(streambed(['consume', `kcat-${codec}`, '--exit']), lines)
    })
    check(`streambed produces ${codec}; kcat reads it`, () => {
      streambed(['produce', `ours-${codec}`, '--compression', codec], `${lines.join('\n')}\n`)
      same(run('kcat', [...base, '-C', '-t', `ours-${codec}`, '-o', 'beginning', '-e', '-q']), lines)
    })
  }
  check('kcat, idempotent', () => {
    run('kcat', [...base, '-P', '-t', 'kcat-idempotent', '-X', 'enable.idempotence=true'], 'a\nb\nc\n')
    same(run('kcat', [...base, '-C', '-t', 'kcat-idempotent', '-o', 'beginning', '-e', '-q']), ['a', 'b', 'c'])
  })
  check('kcat, metadata', () => {
    const { topics } = JSON.parse(run('kcat', [...base, '-L', '-J'])) as { readonly topics: readonly { readonly topic: string }[] }
    if (!topics.some(({ topic }) => topic === 'kcat-none')) throw new Error('the topic is not listed')
  })
  check('kcat, offset for a time', () => {
    const answer = run('kcat', [...base, '-Q', '-t', 'kcat-none:0:1'])
    if (!/\[0\] offset 0/.test(answer)) throw new Error(answer)
  })
  check('kcat, in a group, goes on from its commit', () => {
    const group = ['-G', 'kcat-group', '-X', 'auto.offset.reset=earliest', '-q', '-e', 'kcat-none']
    same(run('kcat', [...base, ...group]), Array.from({ length: 100 }, (_, index) => `kcat-none-${index}`))
    run('kcat', [...base, '-P', '-t', 'kcat-none'], 'later\n')
    same(run('kcat', [...base, ...group]), ['later'])
  })
}

function python (): void {
  for (const name of ['records', 'group', 'admin']) check(`Python confluent-kafka: ${name}`, () => run('/usr/bin/python3', [path.join(import.meta.dirname, 'interop.py'), name, bootstrap]))
}

/** Builds the binding from source against this Node's headers and Debian's libraries, unless that was done. */
function hasRdkafka (): boolean {
  const loads = (): boolean => spawnSync(process.execPath, ['-e', "require('@confluentinc/kafka-javascript')"], { cwd: rdkafkaFolder, stdio: 'ignore', timeout: commandMs }).status === 0
  if (loads()) return true
  const quiet = { stdio: 'ignore', timeout: 5 * commandMs, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const
  const libraries = ['libssl-dev', 'zlib1g-dev', 'libzstd-dev', 'libsasl2-dev', 'liblz4-dev', 'libcurl4-openssl-dev', 'g++', 'make', 'python3']
  if (process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get')) {
    spawnSync('apt-get', ['update'], quiet)
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...libraries], quiet)
  }
  const node = path.dirname(path.dirname(fs.realpathSync(process.execPath)))
  const env = { ...process.env, PATH: `${path.join(node, 'bin')}:${process.env.PATH}`, npm_config_nodedir: node, CKJS_LINKING: 'dynamic' }
  spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { ...quiet, cwd: rdkafkaFolder, env })
  if (loads()) return true
  console.log(`did not run: @confluentinc/kafka-javascript (librdkafka): it could not be built; on Debian: apt-get install ${libraries.join(' ')}`)
  return false
}

function rdkafka (): void {
  for (const name of ['records', 'group', 'seek', 'admin']) check(`confluent-kafka-javascript (librdkafka): ${name}`, () => run(process.execPath, [path.join(rdkafkaFolder, 'checks.mjs'), name, bootstrap]))
}

/** The class path of Kafka's own tools, brought by Maven; undefined where that cannot be. */
function javaTools (): string | undefined {
  const target = path.join(folder, 'java')
  const pom = path.join(import.meta.dirname, 'interop-java/pom.xml')
  const copied = spawnSync('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${target}`], { stdio: 'ignore', timeout: 5 * commandMs })
  if (copied.status === 0 && fs.existsSync(target)) return path.join(target, '*')
  console.log("did not run: Kafka's Java tools: they need a JDK 17, Maven and a repository that it reaches")
  return undefined
}

function java (classPath: string): void {
  const tool = (name: string, args: readonly string[], input = ''): string => run('java', ['-Xmx256m', '-Dlog4j2.level=ERROR', '-cp', classPath, `org.apache.kafka.tools.${name}`, ...args], input)
  const to = ['--bootstrap-server', bootstrap]
  check('Java kafka-topics creates, describes, grows', () => {
    tool('TopicCommand', [...to, '--create', '--topic', 'java', '--partitions', '2', '--config', 'retention.ms=86400000'])
    const described = tool('TopicCommand', [...to, '--describe', '--topic', 'java'])
    if (!/PartitionCount: 2/.test(described) || !/retention.ms=86400000/.test(described)) throw new Error(described)
    tool('TopicCommand', [...to, '--alter', '--topic', 'java', '--partitions', '3'])
    same(tool('TopicCommand', [...to, '--list']).split('\n').filter(line => line === 'java').join('\n'), ['java'])
  })
  const lines = Array.from({ length: 50 }, (_, index) => `java-${index}`)
  check('Java console producer (idempotent, as it is by default) and console consumer in a group', () => {
    tool('ConsoleProducer', [...to, '--topic', 'java', '--compression-codec', 'zstd'], `${lines.join('\n')}\n`)
    same(tool('consumer.ConsoleConsumer', [...to, '--topic', 'java', '--from-beginning', '--group', 'java-group', '--max-messages', '50', '--timeout-ms', '30000']), lines)
  })
  check('streambed reads what Java wrote, Java what streambed wrote', () => {
    same(streambed(['consume', 'java', '--exit']), lines)
    streambed(['produce', 'java-reads', '--compression', 'lz4'], 'a\nb\n')
    same(tool('consumer.ConsoleConsumer', [...to, '--topic', 'java-reads', '--from-beginning', '--max-messages', '2', '--timeout-ms', '30000']), ['a', 'b'])
  })
  check('Java kafka-consumer-groups describes and resets', () => {
    const described = tool('consumer.group.ConsumerGroupCommand', [...to, '--describe', '--group', 'java-group'])
    if (!/java-group\s+java\s+/.test(described)) throw new Error(described)
    const reset = tool('consumer.group.ConsumerGroupCommand', [...to, '--reset-offsets', '--group', 'java-group', '--topic', 'java', '--to-earliest', '--execute'])
    if (!/java-group\s+java\s+\d+\s+0/.test(reset)) throw new Error(reset)
  })
  check('Java kafka-get-offsets', () => {
    const total = tool('GetOffsetShell', [...to, '--topic', 'java']).split('\n').reduce((sum, line) => sum + Number(/:(\d+)$/.exec(line)?.[1] ?? 0), 0)
    if (total !== 50) throw new Error(`counted ${total}`)
  })
  check('Java kafka-delete-records and kafka-log-dirs', () => {
    const file = path.join(folder, 'delete.json')
    fs.writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic: 'java', partition: 0, offset: -1 }] }))
    if (!/low_watermark/.test(tool('DeleteRecordsCommand', [...to, '--offset-json-file', file]))) throw new Error('no low watermark')
    if (!/"partition":"java-0"/.test(tool('LogDirsCommand', [...to, '--describe', '--topic-list', 'java']))) throw new Error('the partition is not listed')
  })
  check('Java verifiable producer, 2,000 records acknowledged', () => {
    const told = tool('VerifiableProducer', ['--bootstrap-server', bootstrap, '--topic', 'java-verifiable', '--max-messages', '2000', '--acks', '-1'])
    if (!/"acked":2000/.test(told)) throw new Error(told.slice(-300))
  })
}
