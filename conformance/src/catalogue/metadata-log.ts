import type { CatalogueEntry } from './catalogue.ts'

export const metadataLogCatalogue: readonly CatalogueEntry[] = [
  { id: 'ML-01', level: 'core', name: 'single_winner' },
  { id: 'ML-02', level: 'core', name: 'no_gap' },
  { id: 'ML-03', level: 'core', name: 'tail_linearizable' },
  { id: 'ML-04', level: 'core', name: 'lost_then_won_never' },
  { id: 'ML-05', level: 'fault', name: 'ambiguous_append' },
  { id: 'ML-06', level: 'core', name: 'immutable' },
  { id: 'ML-07', level: 'core', name: 'follower_lag' },
  { id: 'ML-08', level: 'scale', name: 'long_poll_cost', missing: 'hours' },
  { id: 'ML-09', level: 'core', name: 'snapshot_atomic' },
  { id: 'ML-10', level: 'core', name: 'trim_safety' },
  { id: 'ML-11', level: 'core', name: 'bootstrap' },
  { id: 'ML-12', level: 'core', name: 'wrong_cluster', missing: 'contract' },
  { id: 'ML-13', level: 'fault', name: 'checksum_chain' },
  { id: 'ML-14', level: 'core', name: 'max_entry' },
  { id: 'ML-15', level: 'scale', name: 'burst' },
  { id: 'ML-16', level: 'scale', name: 'contention_backoff', missing: 'caller' },
  { id: 'ML-17', level: 'fault', name: 'partition_minority' },
  { id: 'ML-18', level: 'durability', name: 'pause_writer' },
  { id: 'ML-19', level: 'latency', name: 'latency_class' },
  { id: 'ML-20', level: 'scale', name: 'recovery_time' },
  { id: 'ML-21', level: 'core', name: 'list_independent', missing: 'contract' },
  { id: 'ML-22', level: 'core', name: 'backend_swap', missing: 'later' },
  { id: 'ML-23', level: 'core', name: 'close_clean' },
  { id: 'ML-24', level: 'core', name: 'second_process_locked' },
  { id: 'ML-25', level: 'durability', name: 'crash_after_ack' }
]
