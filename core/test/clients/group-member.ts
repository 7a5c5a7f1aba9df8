// A group member as a process of its own, so that a test can kill it without its leaving the group. Arguments: client, address,
// topic, group. Prints one JSON line an event: `{ assigned }` with partition numbers, `{ value, partition }`.
import { Consumer, stringDeserializers } from '@platformatic/kafka'
import { Member, kafkajsClient } from './kafkajs-client.ts'

const [client, address, topic, groupId] = process.argv.slice(2) as [string, string, string, string]
const print = (event: object): void => { process.stdout.write(`${JSON.stringify(event)}\n`) }

if (client === 'kafkajs') {
  const member = await Member.join(kafkajsClient(address), topic, groupId)
  member.assignments.each(assigned => print({ assigned }))
  member.records.each(({ message, partition }) => print({ value: message.value?.toString(), partition }))
} else {
  const consumer = new Consumer({
    clientId: 'platformatic-member',
    bootstrapBrokers: [address],
    groupId,
    sessionTimeout: 1_000,
    heartbeatInterval: 100,
    rebalanceTimeout: 5_000,
    maxWaitTime: 100,
    deserializers: stringDeserializers
  })
  consumer.on('consumer:group:join', () => print({ assigned: consumer.assignments?.find(assignment => assignment.topic === topic)?.partitions ?? [] }))
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: 100 })
  for await (const { value, partition } of stream) print({ value, partition })
}
