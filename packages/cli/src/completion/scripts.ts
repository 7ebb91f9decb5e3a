/** Shells that there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

// The scripts know nothing of the commands: they ask the program, so that they need not change with it.

const BASH = `_millrace() {
  local line=("\${COMP_WORDS[@]:0:COMP_CWORD+1}") current word about
  # Colons and equals signs part words for bash, but not here.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    local words cword cur
    _get_comp_words_by_ref -n := -w words -i cword -c cur
    line=("\${words[@]:0:cword}" "$cur")
  fi
  current=\${line[\${#line[@]}-1]}
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    if [[ $word == :files ]]; then
      compopt -o default 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
    elif [[ $word == "$current"* ]]; then
      [[ $word == *[:=] ]] && compopt -o nospace 2>/dev/null
      COMPREPLY+=("$(printf %q "$word")")
    fi
  done < <(millrace __complete "\${line[@]}" 2>/dev/null)
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$current"; fi
}
complete -F _millrace millrace`;

const ZSH = `#compdef millrace
_millrace() {
  local -a found continued
  local word about files=0
  while IFS=$'\\t' read -r word about; do
    if [[ $word == :files ]]; then
      files=1
    elif [[ $word == *[:=] ]]; then
      continued+=("\${word//:/\\\\:}:$about")
    else
      found+=("\${word//:/\\\\:}:$about")
    fi
  done < <(millrace __complete "\${words[@]:0:$CURRENT}" 2>/dev/null)
  (( \${#found} )) && _describe -V millrace found
  (( \${#continued} )) && _describe -V millrace continued -S ''
  (( files )) && _files
}
if [[ $funcstack[1] == _millrace ]]; then _millrace "$@"; else compdef _millrace millrace; fi`;

const FISH = `function __millrace_complete
    set -l line (commandline -opc) (commandline -ct)
    for candidate in (millrace __complete $line 2>/dev/null)
        if test "$candidate" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $candidate
        end
    end
end
complete -c millrace -f -a '(__millrace_complete)'`;

/** By shell, what it has to run to complete. */
export const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};
