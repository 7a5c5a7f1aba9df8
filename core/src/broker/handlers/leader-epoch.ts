import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError } from '../kafka-error.ts'

/** Compares the leader epoch that a client knows with the partition's (KIP-320); -1 skips the check. */
export function checkLeaderEpoch (ofClient: number, current: number): void {
  if (ofClient === -1 || ofClient === current) return
  const code = ofClient < current ? KafkaErrorCode.FENCED_LEADER_EPOCH : KafkaErrorCode.UNKNOWN_LEADER_EPOCH
  throw new KafkaError(code, `leader epoch does not match. client=${ofClient} current=${current}`)
}
