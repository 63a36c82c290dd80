/**
 * How much of a copy that is made while it comes has come, from its own boxes: after the header, each `moof` box begins two
 * seconds of it. Boxes are counted as their heads pass; what is in them is not kept.
 */
export class MadeSoFar {
  /** Seconds that a part of a copy plays. */
  static readonly PART_S = 2
  parts = 0
  private skip = 0
  private head: number[] = []

  take(piece: Uint8Array): void {
    let at = 0
    while (at < piece.length) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, piece.length - at)
        this.skip -= step
        at += step
        continue
      }
      this.head.push(piece[at])
      at += 1
      if (this.head.length < 8) continue
      const [a, b, c, d] = this.head
      const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
      if (String.fromCharCode(...this.head.slice(4)) === 'moof') this.parts += 1
      // A box that says nothing of its length reaches to the end.
      this.skip = length < 8 ? Number.POSITIVE_INFINITY : length - 8
      this.head = []
    }
  }

  /** Of so many milliseconds, 0 to 99: the last part is only over with the file. */
  percent(wholeMs: number): number {
    return Math.min(99, Math.floor((Math.max(0, this.parts - 1) * MadeSoFar.PART_S * 100_000) / Math.max(1, wholeMs)))
  }
}
