"""Checks with confluent-kafka; the first argument names one, the second is a broker. Exits non-zero with what went wrong."""
import sys
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

name, bootstrap = sys.argv[1:3]
base = {'bootstrap.servers': bootstrap, 'broker.address.family': 'v4'}


def produce(topic, values, **settings):
    producer = Producer({**base, **settings})
    failures = []
    for value in values:
        producer.produce(topic, value=value, key=b'k', headers=[('h', b'1')], on_delivery=lambda error, _: error and failures.append(error))
    assert producer.flush(30) == 0 and not failures, failures


def consume(topic, count, group, **settings):
    consumer = Consumer({**base, 'group.id': group, 'auto.offset.reset': 'earliest', 'enable.auto.commit': False, **settings})
    consumer.subscribe([topic])
    messages = []
    while len(messages) < count:
        message = consumer.poll(30)
        assert message is not None, f'only {len(messages)} of {count}'
        assert message.error() is None, message.error()
        messages.append(message)
    consumer.commit(asynchronous=False)
    consumer.close()
    return messages


def records():
    for codec in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
        topic = f'python-{codec}'
        produce(topic, [f'{codec}-{i}' for i in range(200)], **{'compression.type': codec, 'enable.idempotence': True})
        messages = consume(topic, 200, f'python-{codec}')
        assert [m.value().decode() for m in messages] == [f'{codec}-{i}' for i in range(200)]
        assert [m.offset() for m in messages] == list(range(200))
        assert messages[0].key() == b'k' and messages[0].headers() == [('h', b'1')]
    consumer = Consumer({**base, 'group.id': 'times'})
    stamp = messages[100].timestamp()[1]
    [found] = consumer.offsets_for_times([TopicPartition('python-zstd', 0, stamp)], timeout=30)
    assert 0 <= found.offset <= 100, found
    assert consumer.get_watermark_offsets(TopicPartition('python-zstd', 0), timeout=30) == (0, 200)
    consumer.close()


def group():
    produce('python-group', [str(i) for i in range(50)])
    first = consume('python-group', 30, 'g', **{'group.instance.id': 'static-1'})
    consumer = Consumer({**base, 'group.id': 'g'})
    [committed] = consumer.committed([TopicPartition('python-group', 0)], timeout=30)
    assert committed.offset >= 30, committed
    consumer.close()
    assert [m.value() for m in first] == [str(i).encode() for i in range(30)]


def admin():
    client = AdminClient(base)
    client.create_topics([NewTopic('python-admin', num_partitions=2, replication_factor=1, config={'retention.ms': '1000000'})])['python-admin'].result(30)
    client.create_partitions([NewPartitions('python-admin', 4)])['python-admin'].result(30)
    assert len(client.list_topics('python-admin', timeout=30).topics['python-admin'].partitions) == 4
    resource = ConfigResource('topic', 'python-admin')
    [described] = client.describe_configs([resource]).values()
    assert described.result(30)['retention.ms'].value == '1000000'
    client.delete_topics(['python-admin'])['python-admin'].result(30)
    assert 'python-admin' not in client.list_topics(timeout=30).topics


{'records': records, 'group': group, 'admin': admin}[name]()
