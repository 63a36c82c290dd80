import { describe, expect, it } from 'vitest'
import { beginsWithHevc, headerOf, isHevc } from './recordedCodec'

const playlist = '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MAP:URI="recording/a/init.mp4"\n#EXTINF:2,\nrecording/a/0.m4s\n#EXT-X-MAP:URI="recording/b/init.mp4"\n'
const header = (entry: string) => new Uint8Array([...`\0\0\0\x10stsd\0\0\0\0${entry}`].map((letter) => letter.charCodeAt(0)))

describe('the codec of a recording', () => {
  it('is read from the header that the playlist names first', async () => {
    const asked: string[] = []
    const get = (entry: string) => (url: string) => {
      asked.push(url)
      return Promise.resolve(new Response(url.includes('.m3u8') ? playlist : header(entry)))
    }
    const url = 'http://desk/api/v1/cameras/7/recording.m3u8?start=1&end=2'
    expect(await beginsWithHevc(url, get('hvc1'))).toBe(true)
    expect(await beginsWithHevc(url, get('avc1'))).toBe(false)
    expect(asked[1]).toBe('http://desk/api/v1/cameras/7/recording/a/init.mp4')
  })

  it('is none where nothing is recorded', async () => {
    expect(await beginsWithHevc('http://desk/a.m3u8', () => Promise.resolve(new Response('', { status: 404 })))).toBe(false)
    expect(headerOf('#EXTM3U\n')).toBeNull()
    expect([isHevc(header('hev1')), isHevc(new Uint8Array())]).toEqual([true, false])
  })
})
