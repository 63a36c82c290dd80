/**
 * Whether what a playlist begins with is H.265. The recording itself says so, in the header that the playlist names first: the
 * camera may send something else by now than when it was recorded.
 */
export async function beginsWithHevc(playlist: string, get: (url: string) => Promise<Response> = fetch): Promise<boolean> {
  const list = await get(playlist)
  if (!list.ok) return false
  const name = headerOf(await list.text())
  if (name === null) return false
  const header = await get(new URL(name, new URL(playlist, globalThis.location?.href)).href)
  return header.ok && isHevc(new Uint8Array(await header.arrayBuffer()))
}

/** The header that a playlist names first. */
export function headerOf(playlist: string): string | null {
  return /^#EXT-X-MAP:.*URI="([^"]+)"/m.exec(playlist)?.[1] ?? null
}

/** Whether a header of MP4 is that of a track in H.265: its sample entry is called `hvc1` or `hev1`. */
export function isHevc(header: Uint8Array): boolean {
  const text = new TextDecoder('latin1').decode(header)
  return text.includes('hvc1') || text.includes('hev1')
}
