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
