import net from 'node:net'
import { nodeNetwork } from '../../src/runtime/node-network.ts'
import type { Connection } from '../../src/runtime/network.ts'

describe('nodeNetwork', () => {
  // Without it every broker with a client waits for the whole of its drain time at SIGTERM.
  it('a connection that is paused and then ended closes as soon as the peer has hung up too', async () => {
    const accepted = Promise.withResolvers<Connection>()
    const listening = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, connection => accepted.resolve(connection))
    const client = net.connect(listening.port, '127.0.0.1')
    client.resume()
    const connection = await accepted.promise
    const closed = Promise.withResolvers<void>()
    connection.start({ onData: () => undefined, onDrained: () => undefined, onClosed: () => closed.resolve() })
    connection.pause()
    connection.end()
    await closed.promise
    await listening.close()
  })
})
