/** A text in both languages, side by side, so that neither is forgotten: `[zh-CN, en]`. */
export type Pair = readonly [string, string]
export interface Pairs { readonly [key: string]: Pair | Pairs }
interface Texts { [key: string]: string | Texts }

const isPair = (value: Pair | Pairs): value is Pair => Array.isArray(value)

/** One language out of a tree of pairs. */
export function language(tree: Pairs, index: 0 | 1): Texts {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [key, isPair(value) ? value[index] : language(value, index)]),
  )
}
