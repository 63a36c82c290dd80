import { describe, expect, it } from 'vitest'
import type { RuleProposalPage, TriedClip } from '@shared/api/types'
import { cell, differing, outcome, percentDone } from './ruleProposal'

const clip = (more: Partial<TriedClip>): TriedClip => ({ alert_id: 'a', raised_at: '2026-11-23T06:00:00.000Z', verdict: 'false_alarm', state: 'replayed', now: true, then: false, ...more })
const page = (clips: TriedClip[], effect: RuleProposalPage['effect']): RuleProposalPage => ({ trial: { clips }, effect }) as unknown as RuleProposalPage
const effect = (lost: number) => ({ figures: { threshold: 0.7, duration_s: 5 }, silenced: 8, dismissed: 9, lost })

describe('a trial', () => {
  it('says first what would be lost', () => {
    expect(outcome(page([clip({})], effect(1)))).toBe('lost')
    expect(outcome(page([clip({})], effect(0)))).toBe('silenced')
    expect(outcome(page([clip({})], null))).toBe('noFit')
    expect(outcome(page([clip({ now: null, then: null, state: 'gone' })], null))).toBe('noClips')
    expect(outcome({ trial: null } as unknown as RuleProposalPage)).toBeNull()
  })
  it('shows each clip by what became of it', () => {
    const cells = [clip({}), clip({ verdict: 'confirmed' }), clip({ then: true }), clip({ now: false }), clip({ now: null })]
    expect(cells.map(cell)).toEqual(['silenced', 'lost', 'kept', 'quiet', 'gone'])
  })
  it('names what differs', () => {
    expect(differing({ threshold: 0.6, duration_s: 5 }, { threshold: 0.6, duration_s: 10 })).toEqual(['duration_s'])
    expect(differing({ threshold: 0.6, duration_s: 5 }, null)).toEqual([])
    expect([percentDone(0, 0), percentDone(1, 3), percentDone(5, 5)]).toEqual([0, 33, 100])
  })
})
