export { startBroker, type EmbeddedBroker, type EmbeddedOptions } from './start-broker.ts'
