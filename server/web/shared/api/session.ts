/** The tokens of one login, as this browser keeps them. */
export interface Session {
  access_token: string
  refresh_token: string
  /** Milliseconds since 1970, by this browser's clock, when the access token ends. */
  expires_at: number
  password_change_required?: boolean
}

/** Where a session is kept. The console and the phone share one browser, so each has its own key. */
export interface SessionStore {
  load(): Session | null
  save(session: Session | null): void
}

export function browserStore(key: string): SessionStore {
  return {
    load() {
      try {
        return JSON.parse(localStorage.getItem(key) ?? 'null') as Session | null
      } catch {
        return null
      }
    },
    save(session) {
      if (session) localStorage.setItem(key, JSON.stringify(session))
      else localStorage.removeItem(key)
    },
  }
}

/** A name for this browser that the server binds refresh tokens to; made once. */
export function deviceId(): string {
  const key = 'bk.device'
  let id = localStorage.getItem(key)
  if (!id) {
    id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
    localStorage.setItem(key, id)
  }
  return id
}
