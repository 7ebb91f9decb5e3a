#!/bin/sh
# A stand-in for FFmpeg: does what its arguments say, one after the other.
while [ $# -gt 0 ]; do
  case $1 in
    say) printf '%s\n' "$2" >&2; shift ;;
    status) printf '%s\r' "$2" >&2; shift ;;
    environment) /usr/bin/env >&2 ;;
    say-pid) printf 'pid %s\n' "$$" >&2 ;;
    copy-input) /bin/cat >&2 ;;
    ignore) trap '' "$2"; shift ;;
    obey) trap 'exit 255' INT ;;
    leave-behind) /bin/sleep "$2" & shift ;;
    busy) while :; do :; done ;;
    wait) while :; do /bin/sleep 0.05; done ;;
    exit) exit "$2" ;;
    kill-itself) kill -"$2" $$ ;;
    *) printf 'argument [%s]\n' "$1" >&2 ;;
  esac
  shift
done
