import { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { nodeNetwork } from '../../src/runtime/node-network.ts'

/** Where the broker is, for as long as it lives: clients wait here, not on a timer, while it is down. */
export class Whereabouts {
  #up = Promise.withResolvers<void>()
  #port = 0
  isOver = false

  isUp (port: number): void {
    this.#port = port
    this.#up.resolve()
  }

  isDown (): void { this.#up = Promise.withResolvers() }

  /** A connection to a broker that is ready; undefined once the workload is over. */
  async connect (clientId: string): Promise<KafkaConnection | undefined> {
    for (;;) {
      if (this.isOver) return undefined
      await this.#up.promise
      try {
        return await KafkaConnection.open(nodeNetwork, { host: '127.0.0.1', port: this.#port }, clientId)
      } catch {
        // Killed between being ready and being called: let whoever watches the process say so.
        await new Promise(resolve => { setImmediate(resolve) })
      }
    }
  }

  /** Calls `use` with a connection, again with another one whenever that is lost, until it resolves or the workload is over. */
  async whileConnected (clientId: string, use: (connection: KafkaConnection) => Promise<void>): Promise<void> {
    while (!this.isOver) {
      const connection = await this.connect(clientId)
      if (connection === undefined) return
      try {
        await use(connection)
      } catch (error) {
        if (!isLost(error)) throw error
      } finally {
        connection.destroy()
      }
    }
  }
}

export function isLost (error: unknown): boolean {
  return error instanceof Error && error.message === 'the broker closed the connection'
}

/** Kafka's retriable codes that a broker in trouble may answer with. */
export const retriable: ReadonlySet<number> = new Set([3, 5, 6, 7, 14, 15, 16, 56])
