import { spawn } from 'node:child_process'
import net from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { StreambedError, type Environment } from '@streambed/sdk'
import type { ProcessOptions } from './options.ts'

/** The way to a plugin process, whether we started it or it was there. */
export interface Transport {
  readonly input: Writable
  readonly output: Readable
  /** Resolves with why, once nothing more can come. */
  readonly ended: Promise<string>
  /** Ends it whatever it does. */
  destroy (): void
}

/** Starts the command, or connects to the socket. Rejects with MISCONFIGURED or UNAVAILABLE. */
export function openTransport ({ command, socket }: Pick<ProcessOptions, 'command' | 'socket'>, environment: Environment): Promise<Transport> {
  return command === undefined ? connect(socket!) : start(command, environment)
}

/** Its standard error goes to the log, a line an entry. It is not run by a shell. */
function start ([program, ...args]: readonly string[], { logger }: Environment): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const ended = new Promise<string>(done => {
      child.once('close', (code, signal) => done(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`))
    })
    child.once('error', cause => reject(new StreambedError('MISCONFIGURED', `the plugin process cannot be started: ${cause.message}. command=${program}`, { cause })))
    // A process that has ended takes nothing; `ended` tells.
    child.stdin.on('error', () => undefined)
    createInterface({ input: child.stderr }).on('line', line => logger.info('the plugin process says', { line }))
    child.once('spawn', () => resolve({ input: child.stdin, output: child.stdout, ended, destroy: () => { child.kill('SIGKILL') } }))
  })
}

function connect (where: string): Promise<Transport> {
  const address = /^(.+):(\d+)$/.exec(where)
  const socket = address === null ? net.connect({ path: where }) : net.connect({ host: address[1]!, port: Number(address[2]) })
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => reject(new StreambedError('UNAVAILABLE', `the plugin process does not answer: ${cause.message}; start it, or correct the address. socket=${where}`, { cause }))
    socket.once('error', onError)
    socket.once('connect', () => {
      socket.removeListener('error', onError)
      let reason = 'it closed the connection'
      socket.on('error', error => { reason = error.message })
      const ended = new Promise<string>(done => { socket.once('close', () => done(reason)) })
      resolve({ input: socket, output: socket, ended, destroy: () => { socket.destroy() } })
    })
  })
}
