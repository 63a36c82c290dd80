import { ref, type Ref } from 'vue'
import { call } from '@shared/api/call'
import { getOrganizationsId } from '@shared/api/generated.operations'
import { api } from '../state/app'
import { useSession } from '../state/session'

/** Whether this person stands at a top of the tree, where what holds for the whole system is set; null until it is known. */
export function useAtTop(): Ref<boolean | null> {
  const atTop = ref<boolean | null>(null)
  const nodes = (useSession().me?.grants ?? []).filter((grant) => grant.node_level !== 'premises' && grant.node_level !== 'office')
  if (nodes.some((grant) => grant.node_level === 'city')) {
    atTop.value = true
    return atTop
  }
  void Promise.all(nodes.map((grant) => call(api, getOrganizationsId, { path: { id: grant.node_id } }).catch(() => null)))
    .then((found) => (atTop.value = found.some((node) => node !== null && node.parent_id == null)))
  return atTop
}
