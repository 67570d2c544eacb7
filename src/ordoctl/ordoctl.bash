# bash completion for ordoctl. Generated from src/ordoctl/commands.c; do not edit.

_ordoctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command='' words='' options='' i
    if [[ $cur == = ]]; then cur=''; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --url | --token-file | --ca-file | --client-cert | --client-key) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $command:$prev in
    *:--url)
        return
        ;;
    *:--token-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    *:--ca-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    *:--client-cert)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    *:--client-key)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    login:--otp)
        return
        ;;
    login:--wait)
        return
        ;;
    login:--log-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    order:--price)
        return
        ;;
    order:--trigger)
        return
        ;;
    order:--account)
        return
        ;;
    order:--type)
        mapfile -t COMPREPLY < <(compgen -W 'MARKET LIMIT STOP STOP_LIMIT' -- "$cur")
        return
        ;;
    order:--product)
        mapfile -t COMPREPLY < <(compgen -W 'CNC INTRADAY MARGIN MTF' -- "$cur")
        return
        ;;
    order:--validity)
        mapfile -t COMPREPLY < <(compgen -W 'DAY IOC' -- "$cur")
        return
        ;;
    order:--disclosed)
        return
        ;;
    order:--client-id)
        return
        ;;
    order:--market-policy)
        mapfile -t COMPREPLY < <(compgen -W 'reject protect broker' -- "$cur")
        return
        ;;
    order:--key)
        return
        ;;
    orders:--account)
        return
        ;;
    orders:--status)
        mapfile -t COMPREPLY < <(compgen -W 'PENDING OPEN PARTIALLY_FILLED TRIGGER_PENDING FILLED CANCELLED REJECTED EXPIRED' -- "$cur")
        return
        ;;
    orders:--symbol)
        return
        ;;
    orders:--since)
        return
        ;;
    orders:--limit)
        return
        ;;
    orders:--cursor)
        return
        ;;
    modify:--quantity)
        return
        ;;
    modify:--price)
        return
        ;;
    modify:--trigger)
        return
        ;;
    modify:--type)
        mapfile -t COMPREPLY < <(compgen -W 'MARKET LIMIT STOP STOP_LIMIT' -- "$cur")
        return
        ;;
    modify:--validity)
        mapfile -t COMPREPLY < <(compgen -W 'DAY IOC' -- "$cur")
        return
        ;;
    cancel:--account)
        return
        ;;
    cancel:--symbol)
        return
        ;;
    resolve:--reason)
        return
        ;;
    resolve:--broker-order-id)
        return
        ;;
    trades:--account)
        return
        ;;
    trades:--limit)
        return
        ;;
    trades:--cursor)
        return
        ;;
    portfolio:--account)
        return
        ;;
    positions:--account)
        return
        ;;
    holdings:--account)
        return
        ;;
    funds:--account)
        return
        ;;
    quote:--account)
        return
        ;;
    instruments:--exchange)
        mapfile -t COMPREPLY < <(compgen -W 'NSE BSE NFO BFO CDS MCX' -- "$cur")
        return
        ;;
    instruments:--limit)
        return
        ;;
    preopen:--wait)
        return
        ;;
    killswitch:--scope)
        return
        ;;
    killswitch:--reason)
        return
        ;;
    killswitch:--wait)
        return
        ;;
    events:--types)
        mapfile -t COMPREPLY < <(compgen -W 'order leg session killswitch account' -- "$cur")
        return
        ;;
    events:--account)
        return
        ;;
    events:--after)
        return
        ;;
    events:--limit)
        return
        ;;
    audit:--order)
        return
        ;;
    audit:--account)
        return
        ;;
    audit:--correlation-id)
        return
        ;;
    audit:--since)
        return
        ;;
    audit:--until)
        return
        ;;
    audit:--limit)
        return
        ;;
    audit:--cursor)
        return
        ;;
    key:--scope)
        mapfile -t COMPREPLY < <(compgen -W 'read trade admin' -- "$cur")
        return
        ;;
    key:--account)
        return
        ;;
    key:--cidr)
        return
        ;;
    key:--expires)
        return
        ;;
    key:--limit)
        return
        ;;
    key:--dead-man)
        return
        ;;
    key:--dead-man-level)
        mapfile -t COMPREPLY < <(compgen -W 'HALT CANCEL FLATTEN' -- "$cur")
        return
        ;;
    esac
    local commands='login logout order orders show modify cancel resolve reconcile trades portfolio positions holdings funds quote instruments status accounts preopen reload killswitch events jobs audit key check-config migrate backup restore db version help'
    case $command in
    '')
        words=$commands
        options=' --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    login)
        options='--otp --non-interactive --quiet --retry-failed --wait --log-file --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    logout)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    order)
        options='--price --trigger --account --type --product --validity --disclosed --client-id --reduce-only --market-policy --key --validate --json --url --token-file --ca-file --client-cert --client-key --help'
        words='buy sell'
        ;;
    orders)
        options='--account --status --symbol --since --limit --cursor --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    show)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    modify)
        options='--quantity --price --trigger --type --validity --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    cancel)
        options='--all --account --symbol --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    resolve)
        options='--reason --broker-order-id --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    reconcile)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    trades)
        options='--account --limit --cursor --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    portfolio)
        options='--account --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    positions)
        options='--account --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    holdings)
        options='--account --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    funds)
        options='--account --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    quote)
        options='--account --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    instruments)
        options='--exchange --limit --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    status)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    accounts)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    preopen)
        options='--wait --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    reload)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    killswitch)
        options='--scope --reason --yes --wait --json --url --token-file --ca-file --client-cert --client-key --help'
        words='halt cancel flatten release'
        ;;
    events)
        options='--types --account --after --limit --json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    jobs)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    audit)
        options='--order --account --correlation-id --since --until --limit --cursor --json --url --token-file --ca-file --client-cert --client-key --help'
        words='list verify'
        ;;
    key)
        options='--scope --account --cidr --expires --limit --dead-man --dead-man-level --json --url --token-file --ca-file --client-cert --client-key --help'
        words='list add remove'
        ;;
    check-config)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    migrate)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        words='status up verify'
        ;;
    backup)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        [[ $cur == -* ]] || return
        ;;
    restore)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    db)
        options='--restart --json --url --token-file --ca-file --client-cert --client-key --help'
        words='copy'
        ;;
    version)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        ;;
    help)
        options='--json --url --token-file --ca-file --client-cert --client-key --help'
        words=$commands
        ;;
    esac
    if [[ $cur == -* ]]; then words=$options; fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _ordoctl ordoctl
