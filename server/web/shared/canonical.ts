/**
 * Canonical JSON (RFC 8785) and its SHA-256: the sameness of everything a phone sends. The server computes the same;
 * `mobile-api/vectors/canonical.json` holds both to it.
 */

/** Members by UTF-16 order, numbers as ECMAScript writes them, no white space. `undefined` members are left out. */
export function canonical(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('a number that is not finite has no JSON')
    return JSON.stringify(value)
  }
  if (typeof value === 'string') {
    if (/\p{Surrogate}/u.test(value)) throw new RangeError('half a surrogate pair has no JSON')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map((entry) => canonical(entry === undefined ? null : entry)).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`${typeof value} has no JSON`)
  const members = value as Record<string, unknown>
  // Sorting without a comparison function goes by UTF-16 code units, as the RFC asks.
  const names = Object.keys(members).filter((name) => members[name] !== undefined).sort()
  return `{${names.map((name) => `${canonical(name)}:${canonical(members[name])}`).join(',')}}`
}

export function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** SHA-256 of bytes, 64 lower-case hex digits. */
export async function sha256Hex(bytes: BufferSource): Promise<string> {
  return hex(await crypto.subtle.digest('SHA-256', bytes))
}

/** SHA-256 of the canonical text. */
export function canonicalSha256(value: unknown): Promise<string> {
  return sha256Hex(new TextEncoder().encode(canonical(value)))
}
