import { expect, it } from 'vitest'
import { codecName, FrameDecoder, type Decoder } from './frames'
import type { KeyFrame } from './wall'

const HVCC = [1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 120, 0xf0]
const frame = (config: number[], data: number[]): KeyFrame => ({ codec: 'h264', config: new Uint8Array(config), data: new Uint8Array(data) })

it('names codecs as browsers know them', () => {
  expect(codecName({ codec: 'h264', config: new Uint8Array([1, 0x64, 0, 0x28, 255]) })).toBe('avc1.640028')
  expect(codecName({ codec: 'h265', config: new Uint8Array(HVCC) })).toBe('hvc1.1.6.L120.B0')
  const high = [...HVCC]
  high[1] = 0x62
  expect(codecName({ codec: 'h265', config: new Uint8Array(high) })).toBe('hvc1.A2.6.H120.B0')
  expect(codecName({ codec: 'h264', config: new Uint8Array([1, 2]) })).toBeNull()
  expect(codecName({ codec: 'h265', config: new Uint8Array([0, ...HVCC.slice(1)]) })).toBeNull()
})

/** Gives the first byte of what it decodes as the picture; 9 is what it cannot decode. */
class Fake implements Decoder {
  configured: string[] = []
  closed = false
  constructor(private readonly got: (picture: number) => void, private readonly failed: () => void) {}
  configure({ codec }: { codec: string }): void {
    this.configured.push(codec)
  }
  private data = 0
  decode(data: Uint8Array): void {
    this.data = data[0]
  }
  async flush(): Promise<void> {
    await Promise.resolve()
    if (this.data === 9) {
      this.failed()
      throw new Error('not decoded')
    }
    this.got(this.data)
  }
  close(): void {
    this.closed = true
  }
}

it('decodes one after the other, and tells the decoder only what is new', async () => {
  const opened: Fake[] = []
  const decoder = new FrameDecoder<number>((got, failed) => (opened.push(new Fake(got, failed)), opened.at(-1)!))
  const [a, b] = [[1, 100, 0, 40], [1, 77, 0, 31]]
  const pictures = await Promise.all([decoder.decode(frame(a, [1])), decoder.decode(frame(a, [2])), decoder.decode(frame(b, [3]))])
  expect(pictures).toEqual([1, 2, 3])
  expect(opened.map((one) => one.configured)).toEqual([['avc1.640028', 'avc1.4D001F']])
})

it('begins anew after a picture that cannot be decoded', async () => {
  const opened: Fake[] = []
  const decoder = new FrameDecoder<number>((got, failed) => (opened.push(new Fake(got, failed)), opened.at(-1)!))
  const config = [1, 100, 0, 40]
  expect(await decoder.decode(frame(config, [9]))).toBeNull()
  expect(await decoder.decode(frame(config, [4]))).toBe(4)
  expect([opened.length, opened[0].closed]).toEqual([2, true])
  decoder.stop()
  expect([opened[1].closed, await decoder.decode(frame(config, [5]))]).toEqual([true, null])
})
