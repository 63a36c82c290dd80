import type { RuleFigures, RuleProposalPage, TriedClip } from '@shared/api/types'

const TONES: Record<string, string> = { proposed: 'amber', trying: 'blue', tried: 'primary', failed: 'red', applied: 'green', declined: 'plain', withdrawn: 'plain' }
export const proposalTone = (state: string): string => TONES[state] ?? 'plain'

/** The members of figures that differ. */
export function differing(present: RuleFigures, other: RuleFigures | null | undefined): (keyof RuleFigures)[] {
  if (!other) return []
  return (['threshold', 'duration_s'] as const).filter((one) => present[one] !== other[one])
}

/** How a trial came out, first things first. */
export type Outcome = 'lost' | 'silenced' | 'noFit' | 'noClips'
export function outcome(page: RuleProposalPage): Outcome | null {
  if (!page.trial) return null
  if (!page.trial.clips.some((clip) => clip.now)) return 'noClips'
  if (!page.effect) return 'noFit'
  return page.effect.lost > 0 ? 'lost' : 'silenced'
}

/** What a clip's cell says of both figures; null where the clip was not replayed. */
export function cell(clip: TriedClip): 'gone' | 'kept' | 'silenced' | 'lost' | 'quiet' {
  if (clip.now == null) return 'gone'
  if (!clip.now) return 'quiet'
  if (clip.then !== false) return 'kept'
  return clip.verdict === 'confirmed' ? 'lost' : 'silenced'
}

/** Per cent of a phase. */
export const percentDone = (done: number, total: number): number => (total > 0 ? Math.min(100, Math.round((done / total) * 100)) : 0)
