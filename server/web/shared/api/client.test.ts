import { beforeEach, describe, expect, it } from 'vitest'
import { ApiClient, type ClientOptions } from './client'
import { EventParser } from './events'
import { Problem } from './problem'
import type { Session } from './session'

const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })

describe('the client renews its session', () => {
  let saved: Session | null
  let calls: { path: string; token: string | null; body?: string }[]
  let now = 1_000_000
  let signedOut = 0
  let answer: (path: string, token: string | null) => Response

  const client = (more: Partial<ClientOptions> = {}) =>
    new ApiClient({
      store: { load: () => saved, save: (session) => (saved = session) },
      deviceId: 'd1',
      language: () => 'zh-CN',
      onSignedOut: () => (signedOut += 1),
      now: () => now,
      ...more,
      fetch: (async (url: string, init: RequestInit) => {
        const token = (init.headers as Record<string, string>).Authorization ?? null
        calls.push({ path: url, token, body: init.body as string })
        return answer(url, token)
      }) as unknown as typeof fetch,
    })

  beforeEach(() => {
    calls = []
    signedOut = 0
    now = 1_000_000
    saved = { access_token: 'a1', refresh_token: 'r1', expires_at: now + 900_000 }
    answer = (path, token) => {
      if (path.endsWith('/auth/refresh')) return json(200, { access_token: 'a2', refresh_token: 'r2', expires_in: 900 })
      return token === 'Bearer a2' ? json(200, { ok: true }) : json(401, { type: 'unauthenticated', title: 'x', status: 401 })
    }
  })

  it('after a 401, once, and sends the request again', async () => {
    expect(await client().get('/me')).toEqual({ ok: true })
    expect(calls.map((call) => call.path)).toEqual(['/api/v1/me', '/api/v1/auth/refresh', '/api/v1/me'])
    expect(JSON.parse(calls[1].body!)).toEqual({ refresh_token: 'r1', device_id: 'd1' })
    expect(saved?.refresh_token).toBe('r2')
  })

  it('and says how long nobody has touched the page', async () => {
    await client({ idleSeconds: () => 75 }).get('/me')
    expect(JSON.parse(calls[1].body!)).toEqual({ refresh_token: 'r1', device_id: 'd1', idle_s: 75 })
  })

  it('once for several requests at the same time', async () => {
    const api = client()
    await Promise.all([api.get('/a'), api.get('/b'), api.get('/c')])
    expect(calls.filter((call) => call.path.endsWith('/auth/refresh'))).toHaveLength(1)
  })

  it('before the token ends', async () => {
    now += 850_000
    await client().get('/me')
    expect(calls.map((call) => call.path)).toEqual(['/api/v1/auth/refresh', '/api/v1/me'])
  })

  it('takes the session another tab has renewed', async () => {
    const api = client()
    const before = saved!.access_token
    saved = { access_token: 'a2', refresh_token: 'r2', expires_at: now + 900_000 }
    expect((await api.renew(before))?.access_token).toBe('a2')
    expect(calls).toHaveLength(0)
  })

  it('signs out when the refresh token is refused, and only then', async () => {
    answer = () => json(401, { type: 'unauthenticated', title: 'x', status: 401 })
    await expect(client().get('/me')).rejects.toMatchObject({ type: 'unauthenticated' })
    expect(saved).toBeNull()
    expect(signedOut).toBe(1)
  })

  it('keeps the session when there is no network', async () => {
    now += 850_000
    answer = () => { throw new TypeError('failed') }
    await expect(client().get('/me')).rejects.toMatchObject({ type: 'network' })
    expect(saved?.refresh_token).toBe('r1')
    expect(signedOut).toBe(0)
  })

  it('turns a refusal into a problem with its fields', async () => {
    answer = () =>
      json(422, { type: 'validation', title: 't', status: 422, errors: [{ pointer: '/name', code: 'required', detail: '必填' }] })
    const problem = (await client().post('/premises', {}).catch((error) => error)) as Problem
    expect(problem).toBeInstanceOf(Problem)
    expect(problem.field('name')).toBe('必填')
    expect(problem.field('kind')).toBeUndefined()
  })
})

describe('server-sent events', () => {
  it('are cut out of text in any pieces', () => {
    const parser = new EventParser()
    const text = ': ping\n\nid: 7\r\nevent: change\r\ndata: {"a":\ndata: 1}\n\nid: 8\ndata: x\n\n'
    const whole = new EventParser().push(text)
    const pieces = [...text].flatMap((letter) => parser.push(letter))
    expect(pieces).toEqual(whole)
    expect(whole).toEqual([{ id: '7', event: 'change', data: '{"a":\n1}' }, { id: '8', event: 'message', data: 'x' }])
  })
})
