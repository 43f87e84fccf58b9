/** `completion`: scripts that ask `blocktree complete` for candidates. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'

const scripts: Readonly<Record<string, string>> = {
  bash: `_blocktree() {
  local IFS=$'\\n'
  COMPREPLY=($(blocktree complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == */ ]]; then compopt -o nospace; fi
  if [[ "\${COMPREPLY[0]}" == ":files" ]]; then COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); compopt -o filenames; fi
}
complete -F _blocktree blocktree`,
  zsh: `#compdef blocktree
_blocktree() {
  local -a candidates
  candidates=("\${(@f)$(blocktree complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$candidates[1]" == ":files" ]]; then _files; return; fi
  local -a directories others
  directories=("\${(@M)candidates:#*/}")
  others=("\${(@)candidates:#*/}")
  (( $#directories )) && compadd -S '' -- "\${directories[@]}"
  (( $#others )) && compadd -- "\${others[@]}"
}
compdef _blocktree blocktree`,
  fish: `function __blocktree_complete
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  set -l candidates (blocktree complete -- $words 2>/dev/null)
  if test "$candidates[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $candidates
  end
end
complete -c blocktree -f -a '(__blocktree_complete)'`
}

export async function run(context: CommandContext): Promise<void> {
  const shell = context.arguments[0] ?? ''
  const script = scripts[shell]
  if (script === undefined) {
    throw new CliError('ERR_ARGUMENT_VALUE', `there is no completion for "${shell}"`, {
      advice: `known: ${Object.keys(scripts).join(', ')}`
    })
  }
  context.output.result({ shell, script }, () => [script])
}
