/**
 * Why a player got nothing: it is not told itself, so the address is asked once more. An empty type where it would be given
 * now; then another try is worth it.
 */
export async function refused(url: string): Promise<{ status: number; type: string }> {
  const asked = new AbortController()
  const answer = await fetch(url, { signal: asked.signal }).catch(() => null)
  const problem = answer && !answer.ok ? ((await answer.json().catch(() => null)) as { type?: string } | null) : null
  // What is made while it is sent takes one of few places.
  asked.abort()
  return { status: answer?.status ?? 0, type: problem?.type ?? '' }
}
