import { StreambedError, type Clock, type WalWriter } from '@streambed/sdk'
import { fenced } from '@streambed/sdk/batch-log'
import type { Medium } from './medium.ts'
import { NvmeReservations } from './nvme-reservations.ts'
import type { RegionalDiskOptions } from './options.ts'
import type { Outside } from './outside.ts'
import { epochOfKey, keyOf } from './reservation-key.ts'
import { ScsiReservations } from './scsi-reservations.ts'

/** Keys that are registered with a device, and the one that holds its reservation. */
export interface Registrations {
  readonly keys: readonly bigint[]
  readonly holder: bigint | undefined
}

/**
 * The device's commands. A reservation is of the type "write exclusive, registrants only": everybody may read, and who has no
 * key may not write. `conflict`: somebody else has changed something; look again.
 */
export interface ReservationCommands {
  read (): Promise<Registrations>
  /** Gives this host `key`, in place of the one it may have among `former`. */
  register (key: bigint, former: readonly bigint[]): Promise<'done' | 'conflict'>
  reserve (key: bigint): Promise<'done' | 'conflict'>
  /** Takes the registration of `victim` away, and the reservation where it holds that. */
  preempt (key: bigint, victim: bigint): Promise<'done' | 'conflict'>
}

/** Keeps every other host from writing to the device. */
export interface Reservation {
  /**
   * `taken`: some other host could write until now. Rejects with FENCED when a key of a higher epoch is there; it is left in
   * place then.
   */
  take (writer: WalWriter): Promise<'kept' | 'taken'>
}

/** How often others may come in between. */
const triesMax = 8

/** What the options ask for; undefined when nothing. */
export function reservationOf ({ reservation, path }: RegionalDiskOptions, medium: Medium, outside: Outside, clock: Clock): Reservation | undefined {
  if (reservation === undefined || medium.kind !== 'device') return undefined
  const { protocol, timeout, tool } = reservation
  const commands = protocol === 'scsi'
    ? new ScsiReservations(path, tool ?? 'sg_persist', timeout, outside, clock)
    : new NvmeReservations(path, tool ?? 'nvme', timeout, outside, clock)
  return new DeviceReservation(commands, path)
}

export class DeviceReservation implements Reservation {
  readonly #commands: ReservationCommands
  readonly #path: string

  constructor (commands: ReservationCommands, path: string) {
    this.#commands = commands
    this.#path = path
  }

  async take (writer: WalWriter): Promise<'kept' | 'taken'> {
    const commands = this.#commands
    const key = keyOf(writer)
    let isRegistered = false
    let outcome: 'kept' | 'taken' = 'kept'
    for (let tries = 0; tries < triesMax; tries++) {
      const { keys, holder } = await commands.read()
      for (const other of keys) if (!isRegistered || other !== key) this.#check(other, writer)
      if (!isRegistered) {
        isRegistered = await commands.register(key, keys) === 'done'
        continue
      }
      if (!keys.includes(key)) throw new StreambedError('FENCED', `another opener has taken the device meanwhile. path=${this.#path} writerEpoch=${writer.writerEpoch}`)
      const victims = keys.filter(other => other !== key)
      if (victims.length === 0 && holder === key) return outcome
      if (holder === undefined) {
        await commands.reserve(key)
        continue
      }
      // The holder first: until then it can write, and so can everybody with a key.
      const ordered = [...victims.filter(victim => victim === holder), ...victims.filter(victim => victim !== holder)]
      for (const victim of ordered) if (await commands.preempt(key, victim) === 'done') outcome = 'taken'
    }
    throw new StreambedError('UNAVAILABLE', `the device's reservation changes all the time, or does not do what it is told; see which hosts register with it. path=${this.#path} tries=${triesMax}`)
  }

  /** Refuses keys that are not of an earlier epoch of this very node. */
  #check (other: bigint, writer: WalWriter): void {
    const epoch = epochOfKey(other, writer.nodeId)
    if (epoch === undefined) {
      throw new StreambedError('MISCONFIGURED', `the device has a reservation key of another node or program, which is not taken away; give each broker a device of its own, or clear the key if nobody needs it. path=${this.#path} key=0x${other.toString(16)}`)
    }
    if (epoch >= writer.writerEpoch) throw fenced(this.#path, writer.writerEpoch, epoch)
  }
}
