/** TCP as the server needs it, narrow enough to simulate. */
export interface Network {
  /** Resolves once connections are accepted. Port 0 takes a free one. Rejects with MISCONFIGURED when it cannot listen. */
  listen (address: { readonly host: string, readonly port: number }, onConnection: (connection: Connection) => void): Promise<Listening>
  /** Resolves with an open connection that waits for `start`. Rejects with UNAVAILABLE when nobody answers. */
  connect (address: { readonly host: string, readonly port: number }): Promise<Connection>
}

export interface Listening {
  readonly port: number
  /** Accepts no more connections; those there stay. */
  close (): Promise<void>
}

export interface ConnectionEvents {
  /** The bytes are the receiver's only until it returns: the next ones come into the same memory. */
  readonly onData: (bytes: Uint8Array) => void
  /** All that was written has left for the network. */
  readonly onDrained: () => void
  /** Called once, however the connection ended. */
  readonly onClosed: () => void
}

export interface Connection {
  readonly remoteAddress: string
  /** Begins to deliver events; called once. */
  start (events: ConnectionEvents): void
  /** Sends the pieces back to back; they must not change until they have left. False: stop until `onDrained`. */
  write (chunks: readonly Uint8Array[]): boolean
  /** Bytes written that have not left yet. */
  readonly unsentBytes: number
  pause (): void
  resume (): void
  /** Sends what is written, then closes. */
  end (): void
  destroy (): void
}
