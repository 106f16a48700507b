# Sourced by scripts that run servers: start them in the background, know them by name, end only those.
# Needs $folder: a temporary folder for logs and state.

declare -A pid_of=()
declare -A code_of=()
start_order=()

# start NAME COMMAND...: output goes to $folder/NAME.out and NAME.err. A session of its own, so that a
# terminal's Ctrl-C reaches only this script, which then stops things in order.
start() {
    local name=$1
    shift
    setsid "$@" >"$folder/$name.out" 2>"$folder/$name.err" </dev/null &
    pid_of[$name]=$!
    start_order+=("$name")
}

is_running() { [ -n "${pid_of[$1]:-}" ] && kill -0 "${pid_of[$1]}" 2>/dev/null; }

# stop_with SIGNAL NAME: asks, waits up to 10 s, then insists.
stop_with() {
    local signal=$1 name=$2 code=0
    [ -n "${pid_of[$name]:-}" ] || return 0
    kill "-$signal" "${pid_of[$name]}" 2>/dev/null || true
    for _ in $(seq 100); do
        is_running "$name" || break
        sleep 0.1
    done
    is_running "$name" && kill -KILL "${pid_of[$name]}" 2>/dev/null
    wait "${pid_of[$name]}" 2>/dev/null || code=$?
    code_of[$name]=$code
    unset "pid_of[$name]"
}
stop() { stop_with TERM "$1"; }
exit_code_of() { echo "${code_of[$1]:-1}"; }

stop_all() {
    local i
    for ((i = ${#start_order[@]} - 1; i >= 0; i--)); do stop "${start_order[i]}"; done
}

# fail NAME: it did not come up; show why and leave.
fail() {
    echo "$1 did not start:" >&2
    tail -n 20 "$folder/$1.err" "$folder/$1.out" >&2
    exit 1
}

# wait_for_log NAME TEXT SECONDS
wait_for_log() {
    local name=$1 text=$2 tries=$(($3 * 20))
    for _ in $(seq "$tries"); do
        grep -q -- "$text" "$folder/$name.err" "$folder/$name.out" 2>/dev/null && return 0
        is_running "$name" || return 1
        sleep 0.05
    done
    return 1
}

# is_taken PORT: somebody listens there on loopback.
is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A loopback TCP port that nobody listens on.
free_port() {
    local port
    while :; do
        port=$((RANDOM % 15000 + 15000)) # below what the kernel gives to outgoing connections
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# start_nats FOLDER [ARGUMENT...]: sets nats_url. The server picks its own free port and writes it down.
start_nats() {
    local where=$1
    shift
    mkdir -p "$where/nats"
    start nats nats-server -a 127.0.0.1 -p -1 --ports_file_dir "$where/nats" "$@"
    for _ in $(seq 200); do
        nats_url=$(grep -ho 'nats://127.0.0.1:[0-9]*' "$where"/nats/*.ports 2>/dev/null | head -n 1) || true
        [ -z "$nats_url" ] || return 0
        is_running nats || fail nats
        sleep 0.05
    done
    fail nats
}

# Sets redis_port. Nothing is kept on disk.
start_redis() {
    local where=$1
    for _ in 1 2 3 4 5; do
        redis_port=$(free_port)
        start redis redis-server --bind 127.0.0.1 --port "$redis_port" --save '' --appendonly no --dir "$where"
        wait_for_log redis 'Ready to accept connections' 5 && return 0
        stop redis
    done
    fail redis
}

# metric PORT NAME: the sum of a metric's values over its labels, as a whole number.
metric() {
    local text
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 0
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
    text=$(cat <&3)
    exec 3>&-
    awk -v name="$2" 'index($1, name) == 1 && ($1 == name || substr($1, length(name) + 1, 1) == "{") { sum += $NF; seen = 1 }
        END { if (seen) printf "%.0f\n", sum }' <<<"$text"
}
