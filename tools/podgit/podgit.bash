# Completion of podgit in bash: podgit itself says what may stand at the cursor.

_podgit() {
  local line=${COMP_LINE:0:COMP_POINT} current kind prefix i
  local -a words replies
  # split at blanks only: bash's own words end at ":" and "=" too
  read -ra words <<< "$line"
  [[ $line == *[[:blank:]] ]] && words+=("")
  # variables set in front of the command
  while [[ ${#words[@]} -gt 1 && ${words[0]} == *=* ]]; do words=("${words[@]:1}"); done
  current=${words[${#words[@]} - 1]}

  COMPREPLY=()
  mapfile -t replies < <("${1/#\~/$HOME}" __complete "${words[@]:1}" 2> /dev/null)
  kind=${replies[0]}
  case $kind in
    files) compopt -o default; return ;;
    dirs) compopt -o dirnames; return ;;
  esac

  # bash replaces only what follows the last of its own word breaks
  prefix=
  for i in : =; do
    if [[ $COMP_WORDBREAKS == *"$i"* && $current == *"$i"* ]]; then
      local part=${current%"${current##*"$i"}"}
      [[ ${#part} -gt ${#prefix} ]] && prefix=$part
    fi
  done
  for i in "${replies[@]:1}"; do COMPREPLY+=("${i#"$prefix"}"); done
}

complete -F _podgit podgit
