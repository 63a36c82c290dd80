/** One field's fault inside a `validation` problem; `pointer` is a JSON pointer into the body that was sent. */
export interface FieldError { pointer: string; code: string; detail: string }

/** The body of every refused request (RFC 9457). `type` is a bare stable name; extra members depend on it. */
export interface ProblemBody {
  type: string
  title: string
  status: number
  detail?: string
  request_id?: string
  retry_after_s?: number
  errors?: FieldError[]
  present?: unknown
  [member: string]: unknown
}

/** A request that was refused, or never got an answer (`type` is then `network`, `status` 0). */
export class Problem extends Error {
  readonly type: string
  readonly status: number
  readonly body: ProblemBody

  constructor(body: ProblemBody) {
    super(body.detail || body.title || body.type)
    this.name = 'Problem'
    this.type = body.type
    this.status = body.status
    this.body = body
  }

  get fields(): FieldError[] {
    return this.body.errors ?? []
  }

  /** What is wrong with one field, by its name at the top of the body; undefined when nothing is. */
  field(name: string): string | undefined {
    return this.fields.find((error) => error.pointer === `/${name}` || error.pointer.startsWith(`/${name}/`))?.detail
  }

  static network(): Problem {
    return new Problem({ type: 'network', title: 'network', status: 0 })
  }

  static async from(response: Response): Promise<Problem> {
    try {
      const body = (await response.json()) as ProblemBody
      if (typeof body?.type === 'string') return new Problem({ ...body, status: response.status })
    } catch {
      // Not JSON: a proxy's own page. The status says enough.
    }
    return new Problem({ type: `http_${response.status}`, title: response.statusText, status: response.status })
  }
}

/** Any thrown value as a Problem, for the one place that shows errors. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem({ type: 'client', title: String((error as Error)?.message ?? error), status: 0 })
}
