import { expect, it } from 'vitest'
import type { AddressPattern } from '@shared/api/types'
import { addressesOf, fingerprintIn, hasChannels, helpFor, trusting, type Place } from './cameraAddress'

const none = { zh: '', en: '' }
const recorder: AddressPattern = { vendor: 'hikvision', name: none, port: 554, note: none, main: 'rtsp://{host}:{port}/Streaming/Channels/{channel}01', sub: 'rtsp://{host}:{port}/Streaming/Channels/{channel}02' }
const single: AddressPattern = { ...recorder, main: 'rtsp://{host}:{port}/stream1', sub: 'rtsp://{host}:{port}/stream2' }
const place = (given: Partial<Place>): Place => ({ host: '192.168.1.64', port: 554, channel: 1, streams: 'both', ...given })

it('fills a maker\'s addresses in', () => {
  expect(addressesOf(recorder, place({ channel: 12 }))).toEqual({ source_url: 'rtsp://192.168.1.64:554/Streaming/Channels/1201', sub_source_url: 'rtsp://192.168.1.64:554/Streaming/Channels/1202' })
  expect(addressesOf(single, place({ port: 8554, streams: 'main' }))).toEqual({ source_url: 'rtsp://192.168.1.64:8554/stream1', sub_source_url: '' })
  expect(addressesOf(single, place({ streams: 'sub' }))).toEqual({ source_url: 'rtsp://192.168.1.64:554/stream2', sub_source_url: '' })
  expect([recorder, single].map(hasChannels)).toEqual([true, false])
})

it('takes a host as people paste it, and nothing else', () => {
  expect(addressesOf(single, place({ host: ' http://10.0.0.5/login ', streams: 'main' }))?.source_url).toBe('rtsp://10.0.0.5:554/stream1')
  expect(addressesOf(single, place({ host: 'fd00::5', streams: 'main' }))?.source_url).toBe('rtsp://[fd00::5]:554/stream1')
  for (const host of ['', ' ', 'a b', '10.0.0.5:8000@x', 'joe:secret@10.0.0.5', '厨房']) expect(addressesOf(single, place({ host })), host).toBeNull()
})

it('trusts a certificate only where there is one', () => {
  const print = 'ab'.repeat(32)
  expect(fingerprintIn(`nobody vouches for it; its SHA-256 is ${print}`)).toBe(print)
  expect(fingerprintIn('no answer')).toBeNull()
  expect(trusting('rtsps://10.0.0.5/a#certificate=old', print)).toBe(`rtsps://10.0.0.5/a#certificate=${print}`)
  expect(trusting('rtsp://10.0.0.5/a', print)).toBe('rtsp://10.0.0.5/a')
})

it('knows what an address is about while it is typed', () => {
  expect(['rtsp://10.0.0.5', 'RTSPS://x', 'rtspsh://x', 'rtsph://x', 'srt://10.0.0.5:9000', 'srt://:7001?mode=listener', 'rtmp://:7002/live?mode=listener', 'rtmp://10.0.0.5/live', ''].map(helpFor)).toEqual(['plain', 'tls', 'tls', 'tunnel', 'srt', 'waits', 'waits', 'plain', 'plain'])
})
