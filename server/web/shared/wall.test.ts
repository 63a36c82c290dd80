import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readPicture, WallLine, type Line, type WallPicture, type WallState } from './wall'

const ID = '01990000-0000-7000-8000-000000000007'
const OTHER = '01990000-0000-7000-8000-000000000008'

function message(id: string, at: number, jpeg: number[]): ArrayBuffer {
  const bytes = new Uint8Array(24 + jpeg.length)
  bytes.set(id.replaceAll('-', '').match(/../g)!.map((two) => parseInt(two, 16)))
  new DataView(bytes.buffer).setBigInt64(16, BigInt(at))
  bytes.set(jpeg, 24)
  return bytes.buffer
}

class Fake implements Line {
  binaryType = ''
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { reason: string }) => void) | null = null
  sent: unknown[] = []
  closed = false
  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }
  close(): void {
    this.closed = true
  }
}

let lines: Fake[]
let states: WallState[]
let pictures: WallPicture[]
let token: string | null
let wall: WallLine

beforeEach(() => {
  vi.useFakeTimers()
  ;[lines, states, pictures, token] = [[], [], [], 'token']
  const api = { token: async () => token, url: (path: string) => `/api/v1${path}` }
  wall = new WallLine(api, { picture: (one) => pictures.push(one), state: (one) => states.push(one) }, () => {
    lines.push(new Fake())
    return lines.at(-1)!
  })
})
afterEach(() => {
  wall.stop()
  vi.useRealTimers()
})
const settle = () => vi.advanceTimersByTimeAsync(0)

it('reads camera, time and picture', async () => {
  const picture = readPicture(message(ID, 1_700_000_000_123, [0xff, 0xd8]))!
  expect([picture.camera, picture.at, picture.jpeg.size, picture.jpeg.type]).toEqual([ID, 1_700_000_000_123, 2, 'image/jpeg'])
  expect(readPicture(new ArrayBuffer(24))).toBeNull()
})

it('says what is shown once the line is open, and again when that changes', async () => {
  wall.show([ID], 480)
  await settle()
  wall.show([OTHER], 480)
  expect(lines[0].sent).toEqual([])
  wall.show([ID], 480)
  lines[0].onopen!()
  wall.show([ID, OTHER], 320)
  wall.show([ID, OTHER], 320)
  expect(lines[0].sent).toEqual([{ show: [ID], width: 480 }, { show: [ID, OTHER], width: 320 }])
})

it('takes each picture and says so', async () => {
  wall.show([ID], 480)
  await settle()
  lines[0].onopen!()
  lines[0].onmessage!({ data: message(ID, 5, [1, 2, 3]) })
  lines[0].onmessage!({ data: '{"refused":[]}' })
  expect(pictures.map((one) => one.at)).toEqual([5])
  expect(lines[0].sent.slice(1)).toEqual([{ taken: 1 }])
  expect(states).toEqual(['opening', 'live'])
})

it('comes back with growing pauses, and at once after a picture came', async () => {
  wall.show([ID], 480)
  await settle()
  const opened: number[] = []
  for (let round = 0; round < 4; round += 1) {
    const before = lines.length
    const from = Date.now()
    lines.at(-1)!.onclose!({ reason: 'shutdown' })
    while (lines.length === before) await vi.advanceTimersByTimeAsync(50)
    opened.push(Date.now() - from)
  }
  expect(opened[3]).toBeGreaterThan(opened[0] * 3)
  lines.at(-1)!.onmessage!({ data: message(ID, 5, [1]) })
  lines.at(-1)!.onclose!({ reason: 'expired' })
  const before = lines.length
  await vi.advanceTimersByTimeAsync(1_300)
  expect(lines.length).toBe(before + 1)
})

it('rests while nothing is shown', async () => {
  wall.show([ID], 480)
  await settle()
  wall.show([], 480)
  expect(lines[0].closed).toBe(false)
  // One that was still being opened is let go once it is, and says nothing.
  lines[0].onopen!()
  expect([lines[0].closed, lines[0].sent]).toEqual([true, []])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(lines).toHaveLength(1)
  wall.show([ID], 480)
  await settle()
  expect(lines).toHaveLength(2)
})

it('ends with the login', async () => {
  wall.show([ID], 480)
  await settle()
  lines[0].onclose!({ reason: 'signed_out' })
  await vi.advanceTimersByTimeAsync(60_000)
  expect([lines.length, states.at(-1)]).toEqual([1, 'ended'])
})
