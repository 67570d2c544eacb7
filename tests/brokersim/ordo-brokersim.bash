# bash completion for ordo-brokersim

_ordo_brokersim() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    case $prev in
    --tls-cert | --tls-key)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --market-dir)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --user)
        mapfile -t COMPREPLY < <(compgen -W 'fyers: hdfc: mstock:' -- "$cur")
        return
        ;;
    --listen | --listen-tls | --funds | --rows | --latency | --orders-max)
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W '--listen --listen-tls --tls-cert --tls-key --user --funds
        --auto-login --rows --latency --orders-max --market-dir --version --help' -- "$cur")
}
complete -F _ordo_brokersim ordo-brokersim
