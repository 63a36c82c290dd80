/** The kinds that are set, in the order people know them. */
export const KINDS = ['signal_lost', 'black', 'over_exposed', 'frozen', 'covered', 'blurred', 'low_contrast', 'moved'] as const
export const FIELDS = ['enabled', 'threshold', 'duration_s', 'clear_s', 'repeat_interval_s'] as const
export type Field = (typeof FIELDS)[number]
export type Values = Partial<Record<Field, number | boolean>>
export interface Rule { kind: string; values: Values; from: Partial<Record<Field, string>> }

/**
 * Reads the rules in force. A value is plain, or carries where it comes from as `{"value", "from"}`; a rule may also
 * name one `from` for all of its values.
 */
export function readRules(answer: unknown): Rule[] {
  const body = (answer ?? {}) as Record<string, unknown>
  const rules = (body.settings ?? body.rules ?? body.effective ?? body) as Record<string, unknown> | { kind: string }[]
  const entries: [string, unknown][] = Array.isArray(rules) ? rules.map((rule) => [rule.kind, rule]) : Object.entries(rules)
  return entries
    .filter(([kind, rule]) => typeof rule === 'object' && rule !== null && (KINDS as readonly string[]).includes(kind))
    .map(([kind, rule]) => one(kind, rule as Record<string, unknown>))
    .sort((a, b) => KINDS.indexOf(a.kind as never) - KINDS.indexOf(b.kind as never))
}

function one(kind: string, rule: Record<string, unknown>): Rule {
  const found: Rule = { kind, values: {}, from: {} }
  const common = rule.from ?? rule.source ?? rule.scope
  for (const field of FIELDS) {
    const raw = rule[field]
    if (raw === undefined || raw === null) continue
    const wrapped = typeof raw === 'object' ? (raw as Record<string, unknown>) : null
    const value = wrapped ? wrapped.value : raw
    const from = wrapped?.from ?? wrapped?.source ?? (typeof common === 'object' && common !== null ? (common as Record<string, unknown>)[field] : common)
    if (typeof value === 'number' || typeof value === 'boolean') found.values[field] = value
    if (typeof from === 'string') found.from[field] = from
  }
  return found
}

const WIDTH = ['camera', 'premises', 'system', 'default']

/** Whether a camera's rules come from a scope or from above it, so that they say what holds there. */
export function follows(rules: Rule[], scope: string): boolean {
  return rules.every((rule) => Object.values(rule.from).every((from) => WIDTH.indexOf(from) >= WIDTH.indexOf(scope)))
}

/** The rules in force with what is set at one place laid over them, and named as coming from there. */
export function overlaid(rules: Rule[], set: Rule[], scope: string): Rule[] {
  const placed = new Map(set.map((rule) => [rule.kind, rule]))
  return rules.map((rule) => {
    const own = placed.get(rule.kind)
    if (!own) return rule
    const from = { ...rule.from, ...Object.fromEntries(Object.keys(own.values).map((field) => [field, scope])) }
    return { kind: rule.kind, values: { ...rule.values, ...own.values }, from }
  })
}

/** Only what differs from what was read, kind by kind: the rest goes on following the level above. */
export function changedRules(now: Rule[], before: Rule[], own: Record<string, Values>): Record<string, Values> {
  const changed: Record<string, Values> = { ...own }
  for (const rule of now) {
    const old = before.find((other) => other.kind === rule.kind)
    for (const field of FIELDS) {
      const value = rule.values[field]
      if (value === undefined || value === old?.values[field]) continue
      changed[rule.kind] = { ...changed[rule.kind], [field]: value }
    }
  }
  return changed
}
