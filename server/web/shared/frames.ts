import type { Codec, KeyFrame } from './wall'

/** What a decoder takes and gives; tests bring their own. */
export interface Decoder {
  configure(config: { codec: string; description: Uint8Array }): void
  decode(data: Uint8Array): void
  flush(): Promise<void>
  close(): void
}
export type Opener<Picture> = (got: (picture: Picture) => void, failed: () => void) => Decoder

const hex = (byte: number) => byte.toString(16).padStart(2, '0')

/** The name by which browsers know a codec (RFC 6381), from its configuration; null where that is none. */
export function codecName({ codec, config }: Pick<KeyFrame, 'codec' | 'config'>): string | null {
  if (config[0] !== 1 || config.length < (codec === 'h264' ? 4 : 13)) return null
  if (codec === 'h264') return `avc1.${hex(config[1])}${hex(config[2])}${hex(config[3])}`.toUpperCase().replace('AVC1', 'avc1')
  const space = ['', 'A', 'B', 'C'][config[1] >> 6]
  // The flags of compatibility stand in it with the lowest bit first.
  let flags = 0
  for (let bit = 0; bit < 32; bit += 1) if (config[2 + (bit >> 3)] & (0x80 >> (bit & 7))) flags += 2 ** bit
  const limits = [...config.slice(6, 12)]
  while (limits.length > 0 && limits.at(-1) === 0) limits.pop()
  const tier = config[1] & 0x20 ? 'H' : 'L'
  return ['hvc1', `${space}${config[1] & 0x1f}`, flags.toString(16).toUpperCase(), `${tier}${config[12]}`, ...limits.map((byte) => byte.toString(16).toUpperCase())].join('.')
}

const same = (one: Uint8Array, other: Uint8Array) => one.length === other.length && one.every((byte, at) => byte === other[at])

/**
 * Turns key frames into pictures with one decoder, one after the other: each stands for itself, so that whatever camera it
 * is of, nothing is kept between two but the configuration.
 */
export class FrameDecoder<Picture> {
  private decoder: Decoder | null = null
  private config: Uint8Array | null = null
  private queue: Promise<unknown> = Promise.resolve()
  private gone = false

  constructor(private readonly open: Opener<Picture>) {}

  /** The picture of a key frame; null where it cannot be decoded. */
  decode(frame: KeyFrame): Promise<Picture | null> {
    const turn = this.queue.then(() => this.one(frame))
    this.queue = turn
    return turn
  }

  stop(): void {
    this.gone = true
    this.letGo()
  }

  private letGo(): void {
    const decoder = this.decoder
    this.decoder = this.config = null
    try {
      decoder?.close()
    } catch {
      // It closed by itself when it failed.
    }
  }

  private got: Picture | null = null

  private async one(frame: KeyFrame): Promise<Picture | null> {
    const codec = codecName(frame)
    if (!codec || this.gone) return null
    this.got = null
    try {
      this.decoder ??= this.open((picture) => (this.got = picture), () => this.letGo())
      if (!this.config || !same(this.config, frame.config)) {
        this.decoder.configure({ codec, description: frame.config })
        this.config = frame.config
      }
      this.decoder.decode(frame.data)
      await this.decoder.flush()
    } catch {
      this.letGo()
    }
    return this.got
  }
}

/** The browser's decoder; there is none where the page is not a secure context. */
export const openBrowserDecoder: Opener<VideoFrame> = (got, failed) => {
  const decoder = new VideoDecoder({ output: got, error: failed })
  return {
    configure: (config) => decoder.configure({ ...config, optimizeForLatency: true }),
    decode: (data) => decoder.decode(new EncodedVideoChunk({ type: 'key', timestamp: 0, data })),
    flush: () => decoder.flush(),
    close: () => decoder.close(),
  }
}

const ASKED: Record<Codec, string> = { h264: 'avc1.640028', h265: 'hvc1.1.6.L120.B0' }

/** The codecs that this browser decodes picture by picture; none where it is to save data, for a JPEG of a tile is smaller. */
export async function decodable(): Promise<Codec[]> {
  const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } }
  if (typeof VideoDecoder === 'undefined' || connection?.saveData) return []
  const can = async (codec: Codec) => (await VideoDecoder.isConfigSupported({ codec: ASKED[codec] }).catch(() => null))?.supported === true
  const codecs: Codec[] = ['h264', 'h265']
  const found = await Promise.all(codecs.map(can))
  return codecs.filter((_, at) => found[at])
}
