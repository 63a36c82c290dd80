import type { AddressPattern } from '@shared/api/types'

/** Which of a maker's two streams are taken. */
export type Streams = 'both' | 'main' | 'sub'

export interface Place { host: string; port: number; channel: number; streams: Streams }

export interface Addresses { source_url: string; sub_source_url: string }

/** An IPv4 address, a name, or an IPv6 address with or without its brackets. */
const HOST = /^(?:[\w-]+(?:\.[\w-]+)*|\[?[\da-f:]*:[\da-f:.]*\]?)$/i

/** Whether a maker's addresses differ by channel. */
export const hasChannels = (pattern: AddressPattern): boolean => pattern.main.includes('{channel}')

/** A maker's addresses for one device; null until the host is one. */
export function addressesOf(pattern: AddressPattern, { host, port, channel, streams }: Place): Addresses | null {
  const plain = host.trim().replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '')
  if (!HOST.test(plain)) return null
  const written = plain.includes(':') && !plain.startsWith('[') ? `[${plain}]` : plain
  const filled = (text: string) => text.replaceAll('{host}', written).replaceAll('{port}', String(port)).replaceAll('{channel}', String(channel))
  if (streams === 'sub') return { source_url: filled(pattern.sub), sub_source_url: '' }
  return { source_url: filled(pattern.main), sub_source_url: streams === 'both' ? filled(pattern.sub) : '' }
}

/** The fingerprint in what a test says of a certificate that nobody vouches for. */
export const fingerprintIn = (detail: string | null | undefined): string | null => /\b[\da-f]{64}\b/.exec(detail ?? '')?.[0] ?? null

/** The address with this certificate trusted; what is not encrypted stays as it is. */
export function trusting(address: string, fingerprint: string): string {
  return /^rtspsh?:/i.test(address.trim()) ? `${address.trim().replace(/#.*$/, '')}#certificate=${fingerprint}` : address
}

/** What is worth knowing about an address while it is typed: a key of `cameras.sourceHelps`. */
export function helpFor(address: string): 'plain' | 'tls' | 'tunnel' | 'waits' | 'srt' {
  const text = address.trim().toLowerCase()
  if (/^rtspsh?:/.test(text)) return 'tls'
  if (text.startsWith('rtsph:')) return 'tunnel'
  if (/^(srt|rtmp):.*mode=listener/.test(text)) return 'waits'
  if (text.startsWith('srt:')) return 'srt'
  return 'plain'
}
