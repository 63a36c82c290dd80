import { ElMessage } from 'element-plus'
import 'element-plus/es/components/message/style/css'
import { ref, shallowRef } from 'vue'
import { asProblem, type Problem } from '@shared/api/problem'
import { text } from '../state/app'

/** Says in the user's words what went wrong. */
export function explain(problem: Problem): { title: string; detail?: string } {
  if (problem.type === 'network') return { title: text('problem.network'), detail: text('problem.networkDetail') }
  if (problem.status === 404) return { title: text('problem.notFound'), detail: text('problem.notFoundDetail') }
  if (problem.type === 'forbidden') return { title: text('problem.forbidden'), detail: text('problem.forbiddenDetail') }
  if (problem.type === 'stale_version') return { title: text('problem.stale'), detail: text('problem.staleDetail') }
  if (problem.status >= 500 && problem.status !== 503) return { title: text('problem.internal'), detail: text('problem.internalDetail') }
  return { title: problem.body.title, detail: problem.body.detail }
}

export function complain(error: unknown): Problem {
  const problem = asProblem(error)
  const words = explain(problem)
  ElMessage({ type: 'error', message: [words.title, words.detail].filter(Boolean).join('：'), duration: 6000, showClose: true, grouping: true })
  return problem
}

export function succeed(message: string): void {
  ElMessage({ type: 'success', message, grouping: true })
}

/** Something a button does: one at a time, with what went wrong kept beside it. */
export function useAction<Arguments extends unknown[], T>(work: (...values: Arguments) => Promise<T>, loud = true) {
  const busy = ref(false)
  const problem = shallowRef<Problem | null>(null)

  async function run(...values: Arguments): Promise<T | undefined> {
    if (busy.value) return undefined
    busy.value = true
    problem.value = null
    try {
      return await work(...values)
    } catch (error) {
      problem.value = asProblem(error)
      if (loud) complain(error)
      return undefined
    } finally {
      busy.value = false
    }
  }
  return { busy, problem, run }
}
