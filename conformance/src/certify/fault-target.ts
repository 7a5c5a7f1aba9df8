import type { Environment, ObjectStore, WalWriter } from '@streambed/sdk'
import { FaultProxy } from '../fault-proxy/fault-proxy.ts'
import { Interception } from '../fault-proxy/interception.ts'
import type { FaultHarness, FaultMedium, Faulty, OpenUnderFaults, Pace } from '../faults/fault-harness.ts'
import type { PlaneKind } from '../faults/fault-plane.ts'
import { FilePlane } from '../faults/file-plane.ts'
import { hostStore } from '../faults/host-store.ts'
import { StorePlane } from '../faults/store-plane.ts'
import type { Capabilities, Instance, Target } from './target.ts'

export interface FaultFacts {
  readonly environment: Environment
  readonly pace: Pace
  readonly counters: () => Readonly<Record<string, number>>
  readonly nextPlace: () => string
}

/** Where faults enter this configuration: the endpoint that it names, else the store under the plugin, else files. */
export function planeKindOf (target: Target): PlaneKind { return target.endpoint !== undefined ? 'endpoint' : target.isOnStore ? 'store' : 'files' }

/** A target behind planes, each instance behind one of its own. */
export function faultHarnessOf (target: Target, { counters, environment, nextPlace, pace }: FaultFacts): FaultHarness<Instance, Capabilities, [writer?: WalWriter]> {
  const { endpoint } = target
  const interception = endpoint?.protocol === 'https:' ? new Interception([endpoint.hostname]) : undefined
  return {
    name: target.plugin.name,
    capabilities: target.capabilities,
    planeKind: planeKindOf(target),
    pace,
    clock: environment.clock,
    random: environment.random,
    counters,
    prepare: async () => {
      const name = nextPlace()
      const proxies: FaultProxy[] = []
      interception?.start()
      const medium: FaultMedium<Instance, [writer?: WalWriter]> = {
        open: async (given, writer) => await openBehind(target, name, { environment: skewed(environment, given), interception, proxies, writer }, given),
        cleanUp: async () => {
          for (const proxy of proxies) await proxy.close()
          interception?.stop()
          await target.cleanUp(name, environment)
        }
      }
      return medium
    }
  }
}

interface Opening { readonly environment: Environment, readonly interception: Interception | undefined, readonly proxies: FaultProxy[], readonly writer: WalWriter | undefined }

async function openBehind (target: Target, name: string, { environment, interception, proxies, writer }: Opening, { endpointName, rules = [] }: OpenUnderFaults): Promise<Faulty<Instance>> {
  const asHost = (store: ObjectStore): ObjectStore => hostStore(store, environment)
  switch (planeKindOf(target)) {
    case 'files': {
      const plane = new FilePlane(environment)
      plane.set(...rules)
      return { plane, subject: await target.open(target.place(name), { ...environment, fileSystem: plane.wrap(environment.fileSystem) }, writer) }
    }
    case 'store': {
      const plane = new StorePlane(environment)
      plane.set(...rules)
      return { plane, subject: await target.open(target.place(name), environment, writer, { wrapStore: store => hostStore(plane.wrap(store), environment) }) }
    }
    case 'endpoint': {
      const plane = await FaultProxy.open(target.endpoint!, environment)
      proxies.push(plane)
      plane.set(...rules)
      if (interception === undefined) return { plane, subject: await target.open(target.place(name, endpointName === undefined ? plane.url : plane.urlBy(endpointName)), environment, writer, { wrapStore: asHost }) }
      const subject = await interception.through(plane, () => target.open(target.place(name), environment, writer, { wrapStore: asHost }))
      return { plane, subject: interception.around(subject, plane) }
    }
  }
}

function skewed (environment: Environment, { wallOffsetMs = 0 }: OpenUnderFaults): Environment {
  if (wallOffsetMs === 0) return environment
  const { clock } = environment
  return { ...environment, clock: { monotonicMs: () => clock.monotonicMs(), wallMs: () => clock.wallMs() + wallOffsetMs, schedule: (delayMs, action) => clock.schedule(delayMs, action) } }
}

