import { commandOf, type DeskCommand } from '../components/keys'
import { usePageKeys } from './usePageKeys'

/** Gives key presses to `run` as commands of the desk. */
export function useDeskKeys(run: (command: DeskCommand) => boolean): void {
  usePageKeys((key) => {
    const command = commandOf(key)
    return command !== null && run(command)
  })
}
