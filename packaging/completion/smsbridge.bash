# bash completion for smsbridge(1)
_smsbridge() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="send status list inbox links tail callbacks modems reset ussd trace doctor preview"
    local options="--url --account --json --track --wait --timeout --sender --callbackurl --lt-callbackurl --limit --csv --cancel --unmasked --config --help --version"
    case $prev in
    --csv | --config | -c) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    callbacks) COMPREPLY=($(compgen -W "retry $options" -- "$cur")); return ;;
    modems | reset | ussd | trace)
        COMPREPLY=($(compgen -W "$(smsbridge modems 2>/dev/null | awk 'NR > 1 { print $1 }') $options" -- "$cur")); return ;;
    esac
    case $cur in
    -*) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$commands" -- "$cur")) ;;
    esac
}
complete -F _smsbridge smsbridge
