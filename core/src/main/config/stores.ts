import { StreambedError } from '@streambed/sdk'
import type { BackendConfig } from './broker-config.ts'
import type { Origin } from './origin.ts'

/** The name of the store that `storage.objects` configures. */
export const firstStoreName = 'default'

export interface StoreSettings {
  readonly objects: BackendConfig | null
  readonly stores: Readonly<Record<string, BackendConfig>>
  readonly defaultStore: string | null
}

export interface NamedStores {
  readonly stores: Readonly<Record<string, BackendConfig>>
  readonly defaultStore: string
}

/**
 * All object stores by name. `storage.objects` is the store named `default`; `storage.stores` adds others. New objects
 * go to `storage.defaultStore`: where that is left out, to `default`, or to the only one there is.
 */
export function namedStores (settings: StoreSettings, embedded: BackendConfig, origin: Origin): NamedStores {
  if (settings.objects !== null && firstStoreName in settings.stores) {
    throw new StreambedError('MISCONFIGURED', `${origin.of(['storage', 'stores', firstStoreName])}: storage.stores.${firstStoreName} and storage.objects are the same store; keep one of them`)
  }
  const names = Object.keys(settings.stores)
  const first = settings.objects ?? (names.length === 0 ? embedded : null)
  const stores = { ...first === null ? {} : { [firstStoreName]: first }, ...settings.stores }
  const defaultStore = settings.defaultStore ?? (firstStoreName in stores ? firstStoreName : names.length === 1 ? names[0] : undefined)
  const known = Object.keys(stores).join(', ')
  if (defaultStore === undefined) throw new StreambedError('MISCONFIGURED', `${origin.of(['storage', 'stores'])}: storage.defaultStore must say which store new objects go to, one of ${known}`)
  if (!(defaultStore in stores)) throw new StreambedError('MISCONFIGURED', `${origin.of(['storage', 'defaultStore'])}: storage.defaultStore: expected one of ${known}, got '${defaultStore}'`)
  return { stores, defaultStore }
}
