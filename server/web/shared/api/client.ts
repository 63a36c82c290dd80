import { Problem } from './problem'
import type { Session, SessionStore } from './session'

export type Query = Record<string, string | number | boolean | null | undefined>

interface Tokens {
  access_token: string
  refresh_token: string
  expires_in: number
  password_change_required?: boolean
}

export interface ClientOptions {
  store: SessionStore
  deviceId: string
  /** `zh-CN` or `en`; the server words its problems in it. */
  language: () => string
  /** The session is over: the refresh token was refused (then with what the server said) or the user signed out. */
  onSignedOut?: (why?: Problem) => void
  /** Name and version of this client, where the server is to know them. */
  client?: string
  fetch?: typeof fetch
  now?: () => number
  /** How long nobody has touched the page, s: pages that stand open ask by themselves. */
  idleSeconds?: () => number
}

export interface RequestOptions {
  query?: Query
  body?: unknown
  /** Sent as it is, with its own content type (pictures, CSV, XLSX). */
  raw?: { content: BodyInit; type: string }
  idempotencyKey?: string
  signal?: AbortSignal
  headers?: Record<string, string>
}

/** Refreshed this long before the token ends, so that pictures and streams, which use the cookie, never fail. */
const REFRESH_MARGIN_MS = 60_000

/**
 * Speaks to `/api/v1`: adds the bearer token, renews it once when it has ended, and turns every refusal into a
 * [`Problem`]. Tabs of one browser share the session, so a renewal takes a lock and first looks whether another
 * tab has already done it: a refresh token is good for one use.
 */
export class ApiClient {
  readonly base = '/api/v1'
  private renewing: Promise<Session | null> | null = null

  constructor(private readonly options: ClientOptions) {}

  get session(): Session | null {
    return this.options.store.load()
  }

  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return this.request<T>('GET', path, { query, signal })
  }
  post<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('POST', path, { ...options, body })
  }
  put<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PUT', path, { ...options, body })
  }
  patch<T>(path: string, body?: unknown): Promise<T> {
    return this.request<T>('PATCH', path, { body })
  }
  delete<T = void>(path: string, query?: Query): Promise<T> {
    return this.request<T>('DELETE', path, { query })
  }

  /** The address of a picture or a stream for `<img>` and `<video>`, which carry the cookie by themselves. */
  url(path: string, query?: Query): string {
    return this.base + path + queryString(query)
  }

  async signIn(username: string, password: string): Promise<Session> {
    const body = { username, password, device_id: this.options.deviceId }
    return this.keep(await this.bare<Tokens>('POST', '/auth/login', body))
  }

  /** The second step, after `code_required`: a code of the person's app, or a recovery code. */
  async signInCode(challenge: string, code: string): Promise<Session> {
    const body = { challenge, code, device_id: this.options.deviceId }
    return this.keep(await this.bare<Tokens>('POST', '/auth/login/code', body))
  }

  async setUp(body: Record<string, unknown>): Promise<Session> {
    return this.keep(await this.bare<Tokens>('POST', '/setup', body))
  }

  async changePassword(current: string, next: string): Promise<Session> {
    return this.keep(await this.post<Tokens>('/auth/password', { current_password: current, new_password: next }))
  }

  async signOut(): Promise<void> {
    const session = this.session
    if (session) {
      const body = { refresh_token: session.refresh_token }
      await this.request('POST', '/auth/logout', { body }).catch(() => undefined)
    }
    this.end()
  }

  /** A token that is good for at least a minute, renewed when need be; null when nobody is signed in. */
  async token(): Promise<string | null> {
    const session = this.session
    if (!session) return null
    if (session.expires_at - this.now() > REFRESH_MARGIN_MS) return session.access_token
    return (await this.renew(session.access_token))?.access_token ?? null
  }

  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.response(method, path, options)
    if (response.status === 204) return undefined as T
    const type = response.headers.get('content-type') ?? ''
    return (type.includes('json') ? await response.json() : await response.blob()) as T
  }

  /** The answer itself, for callers that need its headers or stream; refused answers throw. */
  async response(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const token = await this.token()
    let response = await this.send(method, path, options, token)
    if (response.status === 401 && token) {
      const problem = await Problem.from(response.clone())
      if (problem.type === 'invalid_credentials') throw problem
      const renewed = await this.renew(token)
      if (!renewed) throw problem
      response = await this.send(method, path, options, renewed.access_token)
    }
    if (!response.ok) throw await Problem.from(response)
    return response
  }

  private async send(method: string, path: string, options: RequestOptions, token: string | null): Promise<Response> {
    const headers: Record<string, string> = { 'Accept-Language': this.options.language(), ...options.headers }
    if (this.options.client) headers['Bright-Kitchen-Client'] = this.options.client
    if (token) headers.Authorization = `Bearer ${token}`
    let body: BodyInit | undefined
    if (options.raw) {
      headers['Content-Type'] = options.raw.type
      body = options.raw.content
    } else if (options.body !== undefined) {
      headers['Content-Type'] = 'application/json'
      body = JSON.stringify(options.body)
    }
    if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey
    try {
      return await (this.options.fetch ?? fetch)(this.url(path, options.query), {
        method, headers, body, signal: options.signal, credentials: 'same-origin',
      })
    } catch (error) {
      if ((error as Error)?.name === 'AbortError') throw error
      throw Problem.network()
    }
  }

  private async bare<T>(method: string, path: string, body: unknown): Promise<T> {
    const response = await this.send(method, path, { body }, null)
    if (!response.ok) throw await Problem.from(response)
    return (await response.json()) as T
  }

  /** Renews the session whose token `used` was refused or is ending. Callers at the same time share one renewal. */
  renew(used: string): Promise<Session | null> {
    this.renewing ??= this.locked(() => this.renewOnce(used)).finally(() => (this.renewing = null))
    return this.renewing
  }

  private async renewOnce(used: string): Promise<Session | null> {
    const session = this.session
    if (!session) return null
    if (session.access_token !== used) return session
    const body = { refresh_token: session.refresh_token, device_id: this.options.deviceId, ...(this.options.idleSeconds && { idle_s: this.options.idleSeconds() }) }
    try {
      return this.keep(await this.bare<Tokens>('POST', '/auth/refresh', body))
    } catch (error) {
      // Only a refusal ends the session; without a network the old one is kept for later.
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
        this.end(error)
        return null
      }
      throw error
    }
  }

  private async locked<T>(work: () => Promise<T>): Promise<T> {
    const locks = typeof navigator === 'undefined' ? undefined : navigator.locks
    return locks ? ((await locks.request('bk.renew', work)) as T) : work()
  }

  private keep(tokens: Tokens): Session {
    const session: Session = {
      access_token: tokens.access_token,
      refresh_token: tokens.refresh_token,
      expires_at: this.now() + tokens.expires_in * 1000,
      password_change_required: tokens.password_change_required,
    }
    this.options.store.save(session)
    return session
  }

  private end(why?: Problem): void {
    this.options.store.save(null)
    this.options.onSignedOut?.(why)
  }

  private now(): number {
    return (this.options.now ?? Date.now)()
  }
}

export function queryString(query?: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `?${text}` : ''
}
