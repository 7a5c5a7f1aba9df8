import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import { kafkaCodeOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { transactionsUnavailable } from './transactions-unavailable.ts'

/**
 * InitProducerId, versions 0 to 5, for idempotent producers: a fresh id, epoch 0, also for one that has an id and an epoch.
 * Left out: transactions. A transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which no client asks again for.
 */
export function initProducerIdHandler (services: Pick<BrokerServices, 'producerIds' | 'logger'>): ApiHandler<typeof ApiKey.InitProducerId> {
  return {
    apiKey: ApiKey.InitProducerId,
    handle: async ({ producerEpoch, producerId, transactionalId }) => {
      if (transactionalId === '') return refusal(KafkaErrorCode.INVALID_REQUEST)
      if (transactionalId !== null) return refusal(transactionsUnavailable().code)
      if ((producerId === -1) !== (producerEpoch === -1)) return refusal(KafkaErrorCode.INVALID_REQUEST)
      try {
        return { throttleTimeMs: 0, errorCode: KafkaErrorCode.NONE, producerId: await services.producerIds.next(), producerEpoch: 0 }
      } catch (error) {
        services.logger.warn('no producer id could be reserved', { error: String(error) })
        return refusal(kafkaCodeOf(error))
      }
    }
  }
}

function refusal (errorCode: KafkaErrorCode): { readonly throttleTimeMs: 0, readonly errorCode: KafkaErrorCode, readonly producerId: -1, readonly producerEpoch: -1 } {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
}
