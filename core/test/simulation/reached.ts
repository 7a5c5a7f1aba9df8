/** What a suite of seeds must have met, each at least once: a simulation that no longer gets there proves nothing. */
export const mustBeReached = [
  'a process takes over from one that stands still',
  'a process ends, as another took over',
  'a paused process goes on, as another was not let in',
  'a start is refused: LOCKED',
  'a start is refused: wal empty',
  'a start is refused: wal older',
  'a start is refused: wal flipped',
  'a start is refused: metadata empty',
  'a start is refused: metadata older',
  'a start is refused: metadata flipped',
  'the WAL gets another capacity',
  'the WAL becomes another one',
  'a loss of the WAL is accepted',
  'an append to the WAL is in doubt',
  'an append to the metadata log is in doubt',
  'a producer is told that its batch is in doubt',
  'the broker opens again',
  'a group log is written anew',
  'a checkpoint is written',
  'a newest checkpoint cannot be read',
  'retention deletes records',
  'the store lies',
  'damage is told to a reader',
  'an object arrives after it was given up',
  'what lives on of dead objects is moved'
] as const
export type Event = typeof mustBeReached[number] | `a start on another medium goes on: ${string}` | `a start is refused: ${string}`

/** Words of the broker's log, and what they say. */
const words: readonly (readonly [string, Event])[] = [
  ['wrote a coordinator', 'a group log is written anew'],
  ['the broker failed and is opened again', 'the broker opens again'],
  ['the newest checkpoint of a partition is damaged', 'a newest checkpoint cannot be read'],
  ['deleted records past their retention', 'retention deletes records'],
  ['deleted objects that arrived after they were given up', 'an object arrives after it was given up'],
  ['moved what is live of objects', 'what lives on of dead objects is moved']
]

/** Counts what a run met. */
export class Reached {
  readonly counts = new Map<Event, number>()

  note (event: Event, count = 1): void { if (count > 0) this.counts.set(event, (this.counts.get(event) ?? 0) + count) }

  log (line: string): void { for (const [word, event] of words) if (line.includes(word)) this.note(event) }
}
