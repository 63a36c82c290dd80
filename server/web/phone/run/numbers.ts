/** Numbers as a thumb types them, and ranges as people read them. */

/** What a typed number means; nothing where it is none (yet). */
export function parsed(typed: string): number | null {
  const plain = typed.trim().replace('，', '.').replace(',', '.').replace('－', '-')
  return /^[-+]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null
}

export function rangeText({ unit, min, max }: { unit?: string; min?: number | null; max?: number | null }): string {
  const after = unit ? ` ${unit}` : ''
  if (min != null && max != null) return `${min}–${max}${after}`
  if (min != null) return `≥ ${min}${after}`
  return max != null ? `≤ ${max}${after}` : (unit ?? '')
}
