# shellcheck shell=bash
# Sourced by scripts/check: work that is done beside tests without disturbing them. Needs $logs: a folder.

beside= # the process group of the work beside, while there is any

# start_beside FUNCTION: runs it in the background with what the tests leave of the machine. In a process group of its own, so
# that it can be ended as a whole: whoever interrupts the script interrupts this too.
start_beside() {
    rm -f "$logs"/*.ended
    trap end_beside EXIT
    set -m
    { yield_always && "$1"; } >"$logs/beside.log" 2>&1 </dev/null &
    beside=$!
    set +m
}
end_beside() { [ -z "$(jobs -rp)" ] || kill -- "-$beside"; }

# Processor and disk only while nobody else wants them: a test that wakes up runs at once. Where a container forbids one of
# these the others remain.
yield_always() {
    renice -n 19 -p $BASHPID
    chrt --idle -p 0 $BASHPID
    ionice -c 3 -p $BASHPID
    return 0
} >/dev/null 2>&1

# aside NAME COMMAND...: a step of the work beside. Leaves its log, and in NAME.log.ended its exit status and its seconds.
aside() {
    local log=$logs/${1// /-}.log status=0 aside_began=$SECONDS
    shift
    "$@" >"$log" 2>&1 || status=$?
    echo "$status $((SECONDS - aside_began))" >"$log.ended"
}

# Waits for the rest of the work beside, if there is any. There is nobody to disturb any more: what it starts from now on yields
# to no one, not even to others who use the machine.
join_beside() {
    local join_began=$SECONDS
    [ -n "$beside" ] || return 0
    stop_yielding
    wait "$beside"
    beside=
    printf 'waited %d s for what was done beside the tests\n' $((SECONDS - join_began))
}
stop_yielding() {
    local pid
    for pid in $(pgrep -g "$beside"); do
        chrt --other -p 0 "$pid"
        renice -n 0 -p "$pid"
        ionice -c 0 -p "$pid"
    done
} >/dev/null 2>&1
