import type { ApiClient } from './api/client'

/** One picture of a camera, as JPEG. */
export interface WallPicture { camera: string; at: number; jpeg: Blob }
export type WallState = 'opening' | 'live' | 'retrying' | 'ended'

export interface WallHandlers {
  picture(picture: WallPicture): void
  state?(state: WallState): void
}

/** What of a `WebSocket` is needed; tests bring their own. */
export interface Line {
  binaryType: string
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { reason: string }) => void) | null
  send(text: string): void
  close(): void
}

/** Cameras the server shows at once. */
export const CAMERAS_MAX = 25
const RETRY_MS = 1_000
const RETRY_MS_MAX = 30_000
const HEAD_BYTES = 24

/** Cuts a message into its camera (16 bytes), its time (8 bytes, milliseconds) and its JPEG. */
export function readPicture(message: ArrayBuffer): WallPicture | null {
  if (message.byteLength <= HEAD_BYTES) return null
  const hex = [...new Uint8Array(message, 0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const camera = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { camera, at: Number(new DataView(message).getBigInt64(16)), jpeg: new Blob([message.slice(HEAD_BYTES)], { type: 'image/jpeg' }) }
}

/**
 * One WebSocket for all pictures of a page. It tells the server what is shown and what was taken, so that a slow line gets
 * fewer pictures instead of old ones, comes back by itself with growing pauses, and rests while nothing is shown.
 */
export class WallLine {
  private line: Line | null = null
  private shown: string[] = []
  private width = 480
  private retryMs = RETRY_MS
  private timer: ReturnType<typeof setTimeout> | undefined
  /** Grows with each try and each letting go: a try that was overtaken opens nothing. */
  private turn = 0
  private connecting = false
  /** Open, so that something can be said. */
  private ready = false

  constructor(
    private readonly api: Pick<ApiClient, 'token' | 'url'>,
    private readonly handlers: WallHandlers,
    private readonly open: (url: string) => Line = (url) => new WebSocket(url) as unknown as Line,
  ) {}

  /** What the page shows from now on; nothing lets go of the line. */
  show(cameras: string[], width: number): void {
    const next = cameras.slice(0, CAMERAS_MAX)
    if (width === this.width && next.length === this.shown.length && next.every((id, index) => id === this.shown[index])) return
    this.shown = next
    this.width = width
    if (next.length === 0) this.hangUp()
    else if (this.line) this.tell()
    else if (this.timer === undefined && !this.connecting) void this.connect()
  }

  stop(): void {
    this.shown = []
    this.hangUp()
  }

  private hangUp(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.turn += 1
    const open = this.ready
    this.connecting = this.ready = false
    const line = this.line
    this.line = null
    if (!line) return
    line.onmessage = line.onclose = null
    // One that is still being opened is let open first: browsers call the other a failure.
    line.onopen = open ? null : () => line.close()
    if (open) line.close()
  }

  private tell(): void {
    if (this.ready) this.line?.send(JSON.stringify({ show: this.shown, width: Math.round(this.width) }))
  }

  private async connect(): Promise<void> {
    this.timer = undefined
    this.connecting = true
    const mine = ++this.turn
    this.handlers.state?.('opening')
    // The cookie that opens the line is renewed with the token.
    const token = await this.api.token().catch(() => undefined)
    if (mine !== this.turn) return
    this.connecting = false
    if (token === null) return this.handlers.state?.('ended')
    if (token === undefined) return this.later()
    const line = this.open(this.api.url('/wall'))
    this.line = line
    line.binaryType = 'arraybuffer'
    line.onopen = () => {
      this.ready = true
      this.tell()
    }
    line.onmessage = ({ data }) => {
      if (!(data instanceof ArrayBuffer)) return
      this.retryMs = RETRY_MS
      this.handlers.state?.('live')
      const picture = readPicture(data)
      if (picture) this.handlers.picture(picture)
      line.send('{"taken":1}')
    }
    line.onclose = ({ reason }) => {
      this.line = null
      this.ready = false
      if (reason === 'signed_out') return this.handlers.state?.('ended')
      this.later()
    }
  }

  private later(): void {
    this.handlers.state?.('retrying')
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.connect(), this.retryMs * (0.75 + Math.random() * 0.5))
    this.retryMs = Math.min(RETRY_MS_MAX, this.retryMs * 2)
  }
}
