#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Windows for tests, by Wine; sourced.  wine_prefix makes a machine of its own below $t_dir:
# a copy of one that is made once for a build folder ($FIRN_WINE_CACHE) and kept there.
# wine_end ends exactly that machine.

# Which program runs Windows programs here; empty: none.
wine_find() {
    local w
    for w in wine64 /usr/lib/wine/wine64 wine; do
        command -v "$w" && return
    done
}
wine=$(wine_find || true)
export WINEDLLOVERRIDES='mscoree=;mshtml=' WINEDEBUG=-all
unset DISPLAY

wine_server() {
    local s
    for s in wineserver /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver; do
        command -v "$s" > /dev/null && { "$s" "$@"; return; }
    done
}

# Set and export WINEPREFIX.  The cache is made under a lock, whole or not at all.
wine_prefix() { # NAME
    local cache=$FIRN_WINE_CACHE
    export WINEPREFIX=$t_dir/$1
    mkdir -p "$(dirname "$cache")"
    (
        flock 9
        [ ! -d "$cache" ] || exit 0
        export WINEPREFIX=$cache.new
        rm -rf "$cache.new"
        "$wine" wineboot -i > "$cache.log" 2>&1 || exit 1
        wine_server -w
        mv "$cache.new" "$cache"
    ) 9> "$cache.lock" || return 1
    cp -a --reflink=auto "$cache" "$WINEPREFIX"
}
wine_end() { wine_server -k 2> /dev/null; }

# Run a Windows program without a word on standard input.  bash sees the low 8 bits of its
# exit code.
win() { "$wine" "$@" < /dev/null; }

# A guest agent for the prefix; it ends with the shell that started it, or with
# wine_agent_end.  Its words go to agent.log.
wine_agent() { # SOCKET LAUNCHER.EXE [FORBIDDEN]
    wine_server -p
    export FIRN_WINE=$wine FIRN_WINESERVER
    for FIRN_WINESERVER in wineserver /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver; do
        ! command -v "$FIRN_WINESERVER" > /dev/null || break
    done
    coproc AGENT {
        exec "$(dirname "${BASH_SOURCE[0]}")/wine_agent.py" "$1" "$2" "${3:-}" > agent.log 2>&1
    }
    for _ in $(seq 600); do
        [ ! -S "$1" ] || return 0 # it has this name when it listens
        kill -0 "$AGENT_PID" 2> /dev/null || break
        read -r -t 0.1 <> <(:) || :
    done
    return 1
}
wine_agent_end() {
    [ -n "${AGENT_PID:-}" ] || return 0
    kill "$AGENT_PID" 2> /dev/null
    wait "$AGENT_PID" 2> /dev/null
}
