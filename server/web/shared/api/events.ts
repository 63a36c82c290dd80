import type { ApiClient } from './client'
import { Problem } from './problem'

/** Something changed: fetch it again if it is shown. */
export interface Change {
  entity: string
  id: string
  op: 'upsert' | 'delete'
  premises_id?: string | null
  at?: string
}

export interface StreamHandlers {
  change(change: Change): void
  notice?(data: unknown): void
  /** `live` while the server is heard; `retrying` between tries; `ended` when the server closed it for good. */
  state?(state: 'live' | 'retrying' | 'ended'): void
}

interface Message { id?: string; event: string; data: string }

/** Cuts server-sent events out of text that arrives in any pieces. */
export class EventParser {
  private rest = ''

  push(text: string): Message[] {
    this.rest = (this.rest + text).replaceAll('\r\n', '\n')
    const blocks = this.rest.split('\n\n')
    this.rest = blocks.pop() ?? ''
    return blocks.map(parseBlock).filter((message): message is Message => message !== null)
  }
}

function parseBlock(block: string): Message | null {
  const message: Message = { event: 'message', data: '' }
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line === '' || line.startsWith(':')) continue
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'id') message.id = value
    else if (field === 'event') message.event = value
    else if (field === 'data') data.push(value)
  }
  message.data = data.join('\n')
  return data.length > 0 || message.id !== undefined ? message : null
}

/** The server says `: ping` every 10 s; silence of this long means the line is dead. */
const SILENCE_MS = 25_000
const RETRY_MS_MAX = 30_000

/**
 * Listens to `/events` with the bearer token (an `EventSource` cannot carry one), resumes after the last event seen,
 * and comes back by itself with growing pauses. Returns a function that stops it.
 */
export function listen(api: ApiClient, handlers: StreamHandlers): () => void {
  let stopped = false
  let last: string | undefined
  let current: AbortController | null = null
  let retry = 1000

  const once = async (): Promise<'again' | 'ended'> => {
    current = new AbortController()
    const abort = current
    let watchdog = setTimeout(() => abort.abort(), SILENCE_MS)
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' }
      if (last) headers['Last-Event-ID'] = last
      const response = await api.response('GET', '/events', { headers, signal: abort.signal })
      const reader = response.body?.getReader()
      if (!reader) return 'again'
      const parser = new EventParser()
      const decoder = new TextDecoder()
      handlers.state?.('live')
      retry = 1000
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return 'again'
        clearTimeout(watchdog)
        watchdog = setTimeout(() => abort.abort(), SILENCE_MS)
        for (const message of parser.push(decoder.decode(value, { stream: true }))) {
          if (message.id) last = message.id
          if (message.event === 'change') handlers.change(JSON.parse(message.data) as Change)
          else if (message.event === 'notice') handlers.notice?.(JSON.parse(message.data))
          else if (message.event === 'reset') handlers.change({ entity: '*', id: '', op: 'upsert' })
          else if (message.event === 'end') {
            const reason = (JSON.parse(message.data) as { reason?: string }).reason
            if (reason === 'signed_out') return 'ended'
            if (reason === 'scope_changed') last = undefined
            return 'again'
          }
        }
      }
    } finally {
      clearTimeout(watchdog)
      abort.abort()
    }
  }

  const run = async () => {
    while (!stopped) {
      try {
        if ((await once()) === 'ended') break
      } catch (error) {
        if (error instanceof Problem && error.status === 401) break
        if (error instanceof Problem && error.status === 410) last = undefined
      }
      if (stopped) return
      handlers.state?.('retrying')
      await new Promise((resolve) => setTimeout(resolve, retry * (0.75 + Math.random() / 2)))
      retry = Math.min(retry * 2, RETRY_MS_MAX)
    }
    if (!stopped) handlers.state?.('ended')
  }
  void run()
  return () => {
    stopped = true
    current?.abort()
  }
}
