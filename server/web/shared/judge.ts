/**
 * The rule that judges an inspection, as `mobile-api/src/judge.rs` has it word for word (the tables are there);
 * `mobile-api/vectors/judgement.json` holds both to the same results. Whole numbers throughout, so that both round alike.
 */
import { asked, type Seen } from './asked'
import { itemsOf, type Answer, type Consequence, type Grade, type Judgement, type Outcome, type Rule, type TemplateBody } from './inspection'

export type Judged = Seen & Pick<Answer, 'affects_safety' | 'corrected_on_spot'>

export function judge(template: TemplateBody, answers: Judged[]): Judgement {
  const byCode = new Map<string, Judged>()
  for (const answer of answers) byCode.set(answer.item_code, answer)
  const judged: Judgement = {
    outcome: 'conforms', checked: 0, key_checked: 0, general_checked: 0, key_failed: [], general_failed: [],
    not_applicable: [], score: null, grade: 'none', consequences: [], unanswered: [],
  }
  let obtained = 0
  let applicable = 0
  const shown = asked(template, answers)
  for (const [index, item] of itemsOf(template).entries()) {
    if (item.question || !shown[index]?.shown) continue
    const answer = byCode.get(item.code)
    if (!answer?.result) {
      judged.unanswered.push(item.code)
      continue
    }
    if (answer.result === 'not_applicable') {
      judged.not_applicable.push(item.code)
      continue
    }
    const points = item.key ? template.rule.points_key : template.rule.points_general
    applicable += points
    judged.checked += 1
    if (item.key) judged.key_checked += 1
    else judged.general_checked += 1
    if (answer.result === 'conforms') {
      obtained += points
      continue
    }
    ;(item.key ? judged.key_failed : judged.general_failed).push(item.code)
    const follows = consequence(item.key, answer.affects_safety ?? false, answer.corrected_on_spot ?? false)
    judged.consequences.push({ item_code: item.code, consequence: follows })
  }
  judged.outcome = outcome(judged.key_failed.length, judged.general_failed.length, template.rule)
  if (applicable > 0) {
    const tenths = Math.floor((2000 * obtained + applicable) / (2 * applicable))
    judged.score = tenths / 10
    judged.grade = grade(tenths, template.rule)
  }
  return judged
}

export function consequence(key: boolean, affectsSafety: boolean, correctedOnSpot: boolean): Consequence {
  if (affectsSafety) return 'investigation'
  if (key) return 'supervisor_decides'
  return correctedOnSpot ? 'correct_on_spot' : 'order'
}

function outcome(keyFailed: number, generalFailed: number, rule: Rule): Outcome {
  if (keyFailed === 0 && generalFailed === 0) return 'conforms'
  return keyFailed === 0 && generalFailed <= rule.general_limit ? 'basically_conforms' : 'does_not_conform'
}

function grade(tenths: number, rule: Rule): Grade {
  return rule.grades.find((step) => tenths >= step.min * 10)?.grade ?? 'none'
}
