import assert from 'node:assert/strict'
import { quietLogger } from '@streambed/sdk/node'
import { VirtualClock } from '@streambed/sdk/testing'
import type { Reply } from '../../src/broker/dispatcher.ts'
import type { Connection } from '../../src/runtime/network.ts'
import { defaultServerLimits, type ServerLimits } from '../../src/server/limits.ts'
import { pieceOverheadBytes, requestOverheadBytes } from '../../src/server/session.ts'
import { Server } from '../../src/server/server.ts'
import { MemoryNetwork } from '../support/memory-network.ts'

interface Served { readonly body: string, readonly answer: (reply: Reply) => void, readonly signal: AbortSignal }

/** A server whose requests a test answers by hand. */
class Fixture {
  readonly clock = new VirtualClock()
  readonly network = new MemoryNetwork({ clock: this.clock, latencyMs: () => 1 })
  readonly served: Served[] = []
  server!: Server

  async open (limits: Partial<ServerLimits> = {}, options: { readonly serves?: boolean } = {}): Promise<this> {
    this.server = await Server.open({ network: this.network, clock: this.clock, logger: quietLogger, limits: { ...defaultServerLimits, ...limits } }, [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9_092 }])
    if (options.serves !== false) this.serve()
    return this
  }

  serve (): void {
    this.server.serve((frame, { signal }) => new Promise(resolve => { this.served.push({ body: Buffer.from(frame).toString(), answer: resolve, signal }) }))
  }

  async client (): Promise<Client> {
    const connecting = this.network.connect({ host: '', port: 9_092 })
    await this.clock.run(2)
    return new Client(await connecting)
  }

  answer (body: string, text = body, throttleMs = 0): void {
    const at = this.served.findIndex(served => served.body === body)
    this.served.splice(at, 1)[0]!.answer({ kind: 'send', chunks: [Buffer.from(text)], throttleMs })
  }

  get bodies (): string[] { return this.served.map(({ body }) => body) }
  settle (): Promise<void> { return this.clock.run(5) }
}

class Client {
  readonly connection: Connection
  received = ''
  isClosed = false
  constructor (connection: Connection) {
    this.connection = connection
    connection.start({ onData: bytes => { this.received += Buffer.from(bytes).toString() }, onDrained: () => undefined, onClosed: () => { this.isClosed = true } })
  }

  send (...bodies: readonly string[]): void {
    this.connection.write(bodies.map(body => {
      const frame = Buffer.alloc(4 + body.length, body)
      frame.writeInt32BE(body.length)
      frame.write(body, 4)
      return frame
    }))
  }
}

describe('server', () => {
  it('answers in the order of the requests, however they finish', async () => {
    const fixture = await new Fixture().open()
    const client = await fixture.client()
    client.send('a', 'b', 'c')
    await fixture.settle()
    assert.deepEqual(fixture.bodies, ['a', 'b', 'c'], 'several are in flight')
    fixture.answer('c')
    fixture.answer('a')
    await fixture.settle()
    assert.equal(client.received, 'a')
    fixture.answer('b')
    await fixture.settle()
    assert.equal(client.received, 'abc')
  })

  it('a request without an answer holds nothing up; `close` hangs up after what came before', async () => {
    const fixture = await new Fixture().open()
    const client = await fixture.client()
    client.send('a', 'b', 'c')
    await fixture.settle()
    fixture.served[1]!.answer({ kind: 'noReply' })
    fixture.served[2]!.answer({ kind: 'close' })
    await fixture.settle()
    assert.equal(client.isClosed, false)
    fixture.served[0]!.answer({ kind: 'send', chunks: [Buffer.from('A')], throttleMs: 0 })
    await fixture.settle()
    assert.deepEqual([client.received, client.isClosed], ['A', true])
  })

  it('hanging up holds nothing of what was sent behind, and waits for no client that stays half open', async () => {
    const fixture = await new Fixture().open({ inFlightBytesMax: 100 })
    const [bad, good] = [await fixture.client(), await fixture.client()]
    bad.connection.pause()
    bad.send('x', 'y'.repeat(90))
    await fixture.settle()
    fixture.served[0]!.answer({ kind: 'close' })
    await fixture.clock.run(2_000)
    assert.equal(fixture.server.connectionCount, 1)
    good.send('z'.repeat(90))
    await fixture.settle()
    assert.equal(fixture.bodies.includes('z'.repeat(90)), true, 'what the other held is free again')
  })

  it('reads a connection no further while too many of its requests wait, and others all the same', async () => {
    const fixture = await new Fixture().open({ inFlightMax: 2 })
    const [busy, other] = [await fixture.client(), await fixture.client()]
    for (const body of ['a', 'b', 'c', 'd']) {
      busy.send(body)
      await fixture.settle()
    }
    other.send('x')
    await fixture.settle()
    assert.deepEqual(fixture.bodies, ['a', 'b', 'x'])
    fixture.answer('a')
    await fixture.settle()
    assert.deepEqual(fixture.bodies, ['b', 'x', 'c'])
  })

  it('reads nobody while requests in flight hold too many bytes, and goes on by itself', async () => {
    const fixture = await new Fixture().open({ inFlightBytesMax: 100 })
    const [one, two] = [await fixture.client(), await fixture.client()]
    one.send('a'.repeat(101))
    await fixture.settle()
    two.send('b')
    await fixture.settle()
    assert.equal(fixture.served.length, 1)
    fixture.served.shift()!.answer({ kind: 'noReply' })
    await fixture.settle()
    assert.deepEqual(fixture.bodies, ['b'])
  })

  it('counts what tiny requests cost, not their bytes', async () => {
    const fixture = await new Fixture().open({ inFlightBytesMax: 10 * requestOverheadBytes })
    const client = await fixture.client()
    for (let index = 0; index < 20; index++) {
      client.send('a')
      await fixture.settle()
    }
    assert.equal(fixture.served.length, 10)
    for (let answered = 0; answered < 20; answered++) {
      fixture.answer('a')
      await fixture.settle()
    }
    assert.equal(client.received.length, 20)
  })

  it('counts the pieces of an answer that a client does not take, and forgets them when it does', async () => {
    const limit = 1_000 * pieceOverheadBytes
    const fixture = await new Fixture().open({ unsentBytesMax: limit + 200_000 })
    const client = await fixture.client()
    const answer = async (pieceCount: number): Promise<void> => {
      client.send('a')
      await fixture.settle()
      fixture.served.shift()!.answer({ kind: 'send', chunks: Array.from({ length: pieceCount }, () => Buffer.alloc(100)), throttleMs: 0 })
      await fixture.settle()
    }
    client.connection.pause()
    await answer(1_000)
    assert.equal(client.isClosed, false)
    client.connection.resume()
    await fixture.settle()
    client.connection.pause()
    await answer(1_000)
    assert.equal(client.isClosed, false, 'the first answer counts no more')
    client.connection.resume()
    await fixture.settle()
    client.connection.pause()
    await answer(1_500)
    assert.equal(client.isClosed, true)
  })

  it('cuts off the client that takes nothing once answers hold too much, and no other', async () => {
    const fixture = await new Fixture().open({ unsentBytesMax: 200_000 })
    const [slow, brisk] = [await fixture.client(), await fixture.client()]
    slow.connection.pause()
    slow.send('s')
    await fixture.settle()
    fixture.answer('s', 'x'.repeat(150_000))
    await fixture.settle()
    brisk.send('b')
    await fixture.settle()
    fixture.answer('b', 'y'.repeat(150_000))
    await fixture.settle()
    assert.equal(brisk.received.length, 150_000)
    assert.deepEqual([slow.isClosed, brisk.isClosed], [true, false])
  })

  it('requests that never become whole hold no more than the limit: the largest is cut off', async () => {
    const fixture = await new Fixture().open({ inFlightBytesMax: 3 * 2 ** 20 })
    const clients = [await fixture.client(), await fixture.client(), await fixture.client()]
    for (const [index, client] of clients.entries()) {
      client.connection.write([Buffer.from([0x05, 0, 0, 0]), Buffer.alloc((index === 1 ? 2 : 0.5) * 2 ** 20)])
      await fixture.settle()
    }
    assert.deepEqual(clients.map(({ isClosed }) => isClosed), [false, true, false])
    assert.equal(fixture.server.connectionCount, 2)
  })

  it('a client that does not take its answers is read no further', async () => {
    const fixture = await new Fixture().open()
    const client = await fixture.client()
    client.connection.pause()
    client.send('a')
    await fixture.settle()
    fixture.answer('a', 'x'.repeat(100_000))
    await fixture.settle()
    client.send('b')
    await fixture.settle()
    assert.deepEqual(fixture.bodies, [])
    client.connection.resume()
    await fixture.settle()
    assert.deepEqual(fixture.bodies, ['b'])
  })

  it('after an answer that throttles, the connection is not read for that time (KIP-219)', async () => {
    const fixture = await new Fixture().open()
    const client = await fixture.client()
    client.send('a')
    await fixture.settle()
    fixture.answer('a', 'A', 1_000)
    await fixture.settle()
    client.send('b')
    await fixture.clock.run(900)
    assert.deepEqual([client.received, fixture.bodies], ['A', []])
    await fixture.clock.run(200)
    assert.deepEqual(fixture.bodies, ['b'])
  })

  it('closes idle connections, but none that waits for an answer', async () => {
    const fixture = await new Fixture().open({ idleMsMax: 10_000 })
    const [idle, waiting] = [await fixture.client(), await fixture.client()]
    waiting.send('poll')
    await fixture.clock.run(12_000)
    assert.deepEqual([idle.isClosed, waiting.isClosed], [true, false])
  })

  it('refuses connections over the limit', async () => {
    const fixture = await new Fixture().open({ connectionsMax: 1 })
    const first = await fixture.client()
    const second = await fixture.client()
    await fixture.settle()
    assert.deepEqual([first.isClosed, second.isClosed, fixture.server.connectionCount], [false, true, 1])
  })

  it('hangs up on a frame that is too large, and on no other connection', async () => {
    const fixture = await new Fixture().open({ requestBytesMax: 1_024 })
    const [bad, good] = [await fixture.client(), await fixture.client()]
    bad.connection.write([Buffer.from([0x7f, 0, 0, 0])])
    await fixture.settle()
    assert.deepEqual([bad.isClosed, good.isClosed], [true, false])
  })

  it('tells handlers when their client is gone, and forgets what it held', async () => {
    const fixture = await new Fixture().open()
    const client = await fixture.client()
    client.send('poll')
    await fixture.settle()
    client.connection.destroy()
    await fixture.settle()
    assert.equal(fixture.served[0]!.signal.aborted, true)
    fixture.answer('poll')
    await fixture.settle()
    assert.equal(fixture.server.connectionCount, 0)
  })

  it('lets clients connect before it serves, and reads them then', async () => {
    const fixture = await new Fixture().open({}, { serves: false })
    const client = await fixture.client()
    client.send('early')
    await fixture.settle()
    assert.deepEqual(fixture.bodies, [])
    fixture.serve()
    await fixture.settle()
    assert.deepEqual(fixture.bodies, ['early'])
  })

  it('closing answers what is in flight, reads nothing more, and cuts off who takes too long', async () => {
    const fixture = await new Fixture().open()
    const [done, stuck] = [await fixture.client(), await fixture.client()]
    done.send('a')
    stuck.send('never')
    await fixture.settle()
    const closing = fixture.server.close({ drainMsMax: 1_000 })
    done.send('late')
    fixture.answer('a')
    await fixture.settle()
    assert.deepEqual([done.received, done.isClosed, stuck.isClosed], ['a', true, false])
    await fixture.clock.run(2_000)
    await closing
    assert.equal(stuck.isClosed, true)
    assert.deepEqual(fixture.bodies, ['never'])
  })
})
