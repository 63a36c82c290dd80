/**
 * Saves on every change. While a write is under way further changes join the next one, so that typing never waits and the last
 * state is always the one kept.
 */
export class Saver<T> {
  private writing: Promise<void> | null = null
  private waiting: (() => T) | null = null

  constructor(
    private readonly write: (value: T) => Promise<unknown>,
    private readonly told: { saved?: () => void; failed?: (error: unknown) => void } = {},
  ) {}

  /** `snapshot` is taken when its turn comes, so that it is the newest state. */
  save(snapshot: () => T): void {
    this.waiting = snapshot
    this.writing ??= this.run()
  }

  /** Resolves when everything asked for is on the disk. */
  async settled(): Promise<void> {
    while (this.writing) await this.writing
  }

  private async run(): Promise<void> {
    while (this.waiting) {
      const snapshot = this.waiting
      this.waiting = null
      try {
        await this.write(snapshot())
        this.told.saved?.()
      } catch (error) {
        this.told.failed?.(error)
      }
    }
    this.writing = null
  }
}
