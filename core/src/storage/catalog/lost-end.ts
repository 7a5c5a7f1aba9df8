import { StreambedError } from '@streambed/sdk'

const remedy = 'Nothing was changed. Put back the newest copy, or give up what is lost with `streambed recover`'
const names = { catalog: 'the metadata log', wal: 'the WAL' } as const

/** Catalog and WAL contradict each other: one of them lacks what the other says that it had. */
export class LostEndError extends StreambedError {
  /** Which of them lost its end; undefined where that cannot be told. */
  readonly of: keyof typeof names | undefined
  /** The opening that found it has changed what showed it: the next one cannot find it again, unless this one takes note. */
  readonly isShownOnce: boolean

  constructor (of: LostEndError['of'], why: string, options: { readonly cause?: unknown, readonly isShownOnce?: boolean } = {}) {
    super('CORRUPT', `${of === undefined ? `${names.wal} or ${names.catalog}` : names[of]} has lost its end, or is an older copy: ${why}. ${remedy}`, options)
    this.of = of
    this.isShownOnce = options.isShownOnce ?? of === 'catalog'
  }
}
