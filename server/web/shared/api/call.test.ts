import { describe, expect, it } from 'vitest'
import { call, pathOf, send } from './call'
import type { RequestOptions } from './client'
import { getDrafts, getOrders, getOrdersId, postFiles, postNoticesIdRead, postOrdersIdAnswer, putDraftsId } from './generated.operations'

function noting(answer: () => Response) {
  const asked: { method: string; path: string; options: RequestOptions }[] = []
  return { asked, response: async (method: string, path: string, options: RequestOptions) => (asked.push({ method, path, options }), answer()) }
}

describe('an operation of the contract', () => {
  it('travels with its path, query, headers and body', async () => {
    const api = noting(() => Response.json({ items: [] }))
    await call(api, getOrders, { query: { limit: 5, cursor: undefined } })
    await send(api, postOrdersIdAnswer, { path: { id: 'a/b' }, header: { 'Idempotency-Key': 'k' }, body: { version: 1, items: [] } })
    expect(api.asked.map((one) => [one.method, one.path])).toEqual([['GET', '/orders?limit=5'], ['POST', '/orders/a%2Fb/answer']])
    expect(api.asked[1]!.options).toMatchObject({ headers: { 'Idempotency-Key': 'k' }, body: { version: 1, items: [] } })
  })

  it('sends bytes as they are, and reads what comes: JSON, nothing, a file', async () => {
    const blob = new Blob(['x'], { type: 'image/png' })
    const api = noting(() => Response.json({ id: 'f' }))
    expect((await call(api, postFiles, { body: { content: blob, type: blob.type } })).id).toBe('f')
    expect(api.asked[0]!.options).toMatchObject({ raw: { content: blob, type: 'image/png' } })
    expect(api.asked[0]!.options.body).toBeUndefined()
    expect(await call(noting(() => new Response(null, { status: 204 })), postNoticesIdRead, { path: { id: 'n' } })).toBeUndefined()
    const file = noting(() => new Response('sealed', { headers: { 'content-type': 'application/octet-stream' } }))
    expect(await (await send(file, putDraftsId, { path: { id: 'd' }, query: { draft_id: 'd', revision: 2, device_id: 'p 1' }, body: { content: 'sealed', type: 'application/octet-stream' } })).text()).toBe('sealed')
    expect(file.asked[0]!.path).toBe('/drafts/d?draft_id=d&revision=2&device_id=p+1')
  })

  it('does not compile with a path, query or body that the contract does not have', () => {
    const api = noting(() => Response.json({}))
    // `npm run typecheck` reads these: each line is an error, and would be one if it were none.
    const wrong = () => [
      // @ts-expect-error the path needs its id
      call(api, getOrdersId),
      // @ts-expect-error no such name in the path
      pathOf(getOrdersId, { order: 'a' }),
      // @ts-expect-error no such filter
      call(api, getOrders, { query: { limitt: 5 } }),
      // @ts-expect-error a number
      call(api, getOrders, { query: { limit: 'five' } }),
      // @ts-expect-error the version is left out
      call(api, postOrdersIdAnswer, { path: { id: 'a' }, body: { items: [] } }),
      // @ts-expect-error the body is left out
      call(api, postOrdersIdAnswer, { path: { id: 'a' } }),
      // @ts-expect-error no such member of what it answers
      call(api, getDrafts).then((answer) => answer.rows),
    ]
    expect(typeof wrong).toBe('function')
  })
})
