import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreambedError, type ErrorCode } from '@streambed/sdk'
import { testEnvironment, VirtualClock } from '@streambed/sdk/testing'
import { openWal } from '../src/open-wal.ts'
import type { AttachOptions, RegionalDiskOptions } from '../src/options.ts'
import { MiB, writerOf } from './support.ts'

const timeout = 60_000

describe('the attach hook', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'attach-'))
    path = join(folder, "a disk's $(touch owned)")
  })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  async function open (attach: AttachOptions, more: Partial<RegionalDiskOptions> = {}, clock = new VirtualClock()): Promise<void> {
    const wal = await openWal({ path, capacity: 4 * MiB, attach, ...more }, testEnvironment({ clock }), { writer: writerOf(7) })
    await wal.close()
  }

  /** Passes what `attach` must fail with; nothing may have been made where the log was to be. */
  async function fails (opening: Promise<void>, code: ErrorCode, text: RegExp): Promise<void> {
    await assert.rejects(opening, error => {
      assert.ok(StreambedError.is(error, code), String(error))
      assert.match(error.message, text)
      return true
    })
    assert.equal(existsSync(path), false, 'the disk was touched')
  }

  async function script (text: string): Promise<string> {
    const file = join(folder, 'hook')
    await writeFile(file, `#!/bin/sh\n${text}\n`)
    await chmod(file, 0o755)
    return file
  }

  describe('as a command', () => {
    it('runs before the disk is opened, and is told node, epoch and path: in its arguments and as JSON', async () => {
      const hook = await script('printf "%s\\n" "$@" > "$0.arguments"; cat > "$0.input"; mkdir "$2"')
      await open({ command: [hook, '-p', '{path}', '--who={cluster}/{node}', '{epoch}', '{other}', ''], timeout })
      assert.deepEqual(readFileSync(`${hook}.arguments`, 'utf8').split('\n').slice(0, -1), ['-p', path, '--who=cluster-a/1', '7', '{other}', ''])
      assert.deepEqual(JSON.parse(readFileSync(`${hook}.input`, 'utf8')), { version: 1, cluster: 'cluster-a', node: 1, epoch: 7, path })
      assert.ok((await readdir(path)).includes('epoch'))
    })

    it('passes no argument through a shell', async () => {
      const hook = await script('mkdir "$1"')
      await open({ command: [hook, '{path}', '; touch owned', '$(touch owned)', '`touch owned`'], timeout })
      assert.equal(existsSync('owned') || existsSync(join(folder, 'owned')), false)
    })

    it('that fails keeps the log closed, and its words are told', async () => {
      await fails(open({ command: [await script('echo "detach: instance i-1 is gone" >&2; exit 3')], timeout }), 'UNAVAILABLE', /status=3.*instance i-1 is gone/)
    })

    it('that a signal ends, likewise', async () => {
      await fails(open({ command: [await script('kill -9 $$')], timeout }), 'UNAVAILABLE', /signal=SIGKILL/)
    })

    it('fences with status 75', async () => {
      await fails(open({ command: [await script('echo "epoch 9 has it" >&2; exit 75')], timeout }), 'FENCED', /epoch 9 has it/)
    })

    it('that cannot be started is a mistake of the configuration', async () => {
      await fails(open({ command: [join(folder, 'none'), 'x'], timeout }), 'MISCONFIGURED', /cannot be started.*none.*ENOENT/)
      await writeFile(join(folder, 'plain'), '')
      await fails(open({ command: [join(folder, 'plain')], timeout }), 'MISCONFIGURED', /EACCES/)
      await fails(open({ command: ['true', 'a\0b'], timeout }), 'MISCONFIGURED', /cannot be started.*true/)
    })

    it('that does not end in time is killed, with all that it started', async () => {
      const hook = await script('sleep 100000 & echo $! > "$0.pid.new"; mv "$0.pid.new" "$0.pid"; echo waiting >&2; wait')
      const clock = new VirtualClock()
      const opening = open({ command: [hook], timeout }, {}, clock)
      const ended = opening.catch(() => {})
      await until(() => existsSync(`${hook}.pid`))
      clock.advance(timeout - 1)
      assert.equal(await Promise.race([ended.then(() => 'ended'), new Promise(resolve => { setImmediate(resolve, 'waits') })]), 'waits')
      clock.advance(1)
      await fails(opening, 'UNAVAILABLE', /did not end in 60000 ms and was killed/)
      const pid = Number(readFileSync(`${hook}.pid`, 'utf8'))
      // Gone, or a zombie that nobody has waited for.
      await until(() => !existsSync(`/proc/${pid}/stat`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
    })

    it('must leave something at the path', async () => {
      await fails(open({ command: ['true'], timeout }), 'UNAVAILABLE', /nothing is at the path/)
    })

    it('that says a lot, and reads nothing, does no harm', async () => {
      const hook = await script('exec < /dev/null; i=0; while [ $i -lt 3000 ]; do echo "$i......................................................................................................................." >&2; i=$((i+1)); done; exit 4')
      await fails(open({ command: [hook], timeout }), 'UNAVAILABLE', /status=4.*2999/)
    })
  })

  describe('as a service', () => {
    let server: Server
    let url: string
    let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void
    beforeEach(async () => {
      server = createServer((request, response) => {
        let body = ''
        request.on('data', (bytes: Buffer) => { body += bytes.toString() })
        request.on('end', () => { answer(request, response, body) })
      })
      await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/attach`
    })
    afterEach(async () => {
      server.closeAllConnections()
      await new Promise(resolve => { server.close(resolve) })
    })

    it('gets one POST, with the token, before the disk is opened', async () => {
      const got: unknown[] = []
      answer = (request, response, body) => {
        got.push(request.method, request.url, request.headers['content-type'], request.headers.authorization, JSON.parse(body))
        void testEnvironment().fileSystem.makeDirectory(path).then(() => { response.writeHead(204).end() })
      }
      await open({ url, timeout }, { attachToken: 'secret' })
      assert.deepEqual(got, ['POST', '/attach', 'application/json', 'Bearer secret', { version: 1, cluster: 'cluster-a', node: 1, epoch: 7, path }])
    })

    for (const { status, code } of [
      { status: 401, code: 'PERMISSION_DENIED' }, { status: 403, code: 'PERMISSION_DENIED' }, { status: 404, code: 'MISCONFIGURED' }, { status: 409, code: 'FENCED' },
      { status: 429, code: 'UNAVAILABLE' }, { status: 500, code: 'UNAVAILABLE' }, { status: 503, code: 'UNAVAILABLE' }
    ] as const) {
      it(`that answers ${status} gives ${code}, and its words are told but not the token`, async () => {
        answer = (_, response) => { response.writeHead(status).end('the volume is busy') }
        const opening = open({ url, timeout }, { attachToken: 'secret' })
        await fails(opening, code, new RegExp(`status=${status}.*the volume is busy`))
        await assert.rejects(opening, error => !/secret/.test(String(error)))
      })
    }

    it('is not followed elsewhere, for the token would go along', async () => {
      let count = 0
      answer = (_, response) => { count++; response.writeHead(307, { location: url }).end() }
      await fails(open({ url, timeout }, { attachToken: 'secret' }), 'UNAVAILABLE', /status=307/)
      assert.equal(count, 1)
    })

    it('that gives no answer in time, or breaks off, is unavailable', async () => {
      const clock = new VirtualClock()
      const asked = new Promise<void>(resolve => { answer = () => { resolve() } })
      const opening = open({ url, timeout }, {}, clock)
      opening.catch(() => {})
      await asked
      clock.advance(timeout)
      await fails(opening, 'UNAVAILABLE', /no answer within 60000 ms/)
      answer = request => { request.socket.destroy() }
      await fails(open({ url, timeout }), 'UNAVAILABLE', /gave no answer/)
    })

    it('that is not there is unavailable', async () => {
      await fails(open({ url: 'http://127.0.0.1:1/attach', timeout }), 'UNAVAILABLE', /127\.0\.0\.1:1/)
    })
  })
})

async function until (isTrue: () => boolean): Promise<void> { while (!isTrue()) await new Promise(resolve => { setImmediate(resolve) }) }
