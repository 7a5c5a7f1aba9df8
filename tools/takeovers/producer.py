"""Produces 0, 1, 2 … with confluent-kafka (librdkafka) until its input ends, and says of each what became of it: `ok N` or `failed N CODE`.

Arguments: bootstrap servers, topic, `plain` (nothing is ever sent twice) or `idempotent`.
"""
import sys
import threading
from confluent_kafka import Producer

bootstrap, topic, mode = sys.argv[1:4]
settings = {'retries': 0, 'enable.idempotence': False} if mode == 'plain' else {'enable.idempotence': True}
producer = Producer({
    'bootstrap.servers': bootstrap, 'broker.address.family': 'v4', 'acks': 'all', 'linger.ms': 2, 'batch.num.messages': 20,
    'message.timeout.ms': 120000, 'socket.timeout.ms': 10000, 'reconnect.backoff.ms': 20, 'reconnect.backoff.max.ms': 200,
    'topic.metadata.refresh.interval.ms': 1000, **settings})
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()


def told(error, message):
    number = message.value().decode().split(' ')[0]
    print(f'ok {number}' if error is None else f'failed {number} {error.name()}', flush=True)


number = 0
while not ended.is_set():
    # No more than what one takeover's wait may hold up: else messages grow old in the queue.
    if len(producer) < 500:
        producer.produce(topic, value=f'{number} {"x" * 100}', on_delivery=told)
        number += 1
    producer.poll(0.002)
assert producer.flush(120) == 0
