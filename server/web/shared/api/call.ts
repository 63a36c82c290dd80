/**
 * The client of the contract. Operations are generated (`generated.operations.ts`) and carry their types with them: a path that is
 * not there, a query it does not know, or a body it does not take is no program. How a request travels is the sender's business.
 */
import type { RequestOptions } from './client'
import { queryString } from './client'
import type { operations } from './generated'

export type OperationId = keyof operations

/** One operation of the contract; `K` is its id there. `bytes`: its body goes as it is. */
export interface Operation<K extends OperationId> { readonly method: string; readonly path: string; readonly bytes?: true; readonly id?: K }

/** Who adds the token, renews it, and turns refusals into problems: [`ApiClient`], and what stands in for it in tests. */
export interface Sender { response(method: string, path: string, options: RequestOptions): Promise<Response> }

/** Bytes that go as they are. */
export interface Bytes { content: BodyInit; type: string }

/** The parameters an operation has, without those it has not. */
type Told<P> = { [N in keyof P as [Exclude<P[N], undefined>] extends [never] ? never : N]: P[N] }
type Content<K extends OperationId> = operations[K] extends { requestBody?: infer R } ? NonNullable<R> : never
type BodyOf<R> = R extends { content: infer C } ? (C extends { 'application/json': infer J } ? J : Bytes) : never

/** The body of an operation: JSON as the contract has it, or bytes. */
export type Body<K extends OperationId> = BodyOf<Content<K>>
type Sent<K extends OperationId> = [Content<K>] extends [never] ? unknown : operations[K] extends { requestBody: unknown } ? { body: Body<K> } : { body?: Body<K> }
export type Args<K extends OperationId> = Told<operations[K]['parameters']> & Sent<K>

type Good<R> = R[keyof R & (200 | 201 | 202 | 203 | 204 | 206)]
type Read<A> = A extends { content: infer C } ? (C extends { 'application/json': infer J } ? J : [C] extends [never] ? undefined : Blob) : undefined

/** What an operation answers: JSON as the contract has it, a file, or nothing. */
export type Answer<K extends OperationId> = Read<Good<operations[K]['responses']>>

/** The names in an operation's path. */
export type PathOf<K extends OperationId> = operations[K]['parameters'] extends { path: infer P } ? P : never

export interface More { signal?: AbortSignal; headers?: Record<string, string> }
type Given<K extends OperationId> = Record<never, never> extends Args<K> ? [args?: Args<K>, more?: More] : [args: Args<K>, more?: More]

interface Loose {
  path?: Record<string, string | number>
  query?: Record<string, string | number | boolean | null | undefined>
  header?: Record<string, string | number | undefined>
  body?: unknown
}

/** The address of an operation below `/api/v1`, with its names filled in. */
export function pathOf<K extends OperationId>(operation: Operation<K>, path: PathOf<K>): string {
  return filled(operation.path, path as Record<string, string>)
}

function filled(template: string, names: Record<string, string | number> = {}): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name]!))
}

/** Calls an operation and gives the answer itself, for its headers or bytes. Refusals throw. */
export function send<K extends OperationId>(api: Sender, operation: Operation<K>, ...[args, more]: Given<K>): Promise<Response> {
  const { path, query, header, body } = (args ?? {}) as Loose
  const headers: Record<string, string> = { ...more?.headers }
  for (const [name, value] of Object.entries(header ?? {})) if (value !== undefined) headers[name] = String(value)
  const options: RequestOptions = { headers, signal: more?.signal }
  if (operation.bytes) options.raw = body as Bytes | undefined
  else if (body !== undefined) options.body = body
  return api.response(operation.method, filled(operation.path, path) + queryString(query), options)
}

/** Calls an operation and reads what it answers. Refusals throw. */
export async function call<K extends OperationId>(api: Sender, operation: Operation<K>, ...given: Given<K>): Promise<Answer<K>> {
  const response = await send(api, operation, ...given)
  if (response.status === 204) return undefined as Answer<K>
  const type = response.headers.get('content-type') ?? ''
  return (type.includes('json') ? await response.json() : await response.blob()) as Answer<K>
}
