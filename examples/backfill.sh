#!/usr/bin/env bash
# Computes past windows beside the present result, one after the other:
#
#     examples/backfill.sh touchline.toml 2026-01-01 2026-04-01 month
#
# runs the job for every month of [2026-01-01, 2026-04-01), or every `week` or `day`. Each window gets its
# pointer, out/windows/<from>_<to>; `current` stays where it is, for no window of the past moves it. What is
# published already is recognised and not computed again, so the same line may be run once more after a
# failure, or after late files have come: only windows whose inputs changed are computed.
#
# Further arguments go to every run: `… month --out /srv/backfill --memory 8GiB`.
# Days are those of job.timezone; only the names of days are counted here.
set -euo pipefail

usage() {
    printf 'usage: %s CONFIG FROM TO day|week|month [OPTION…]\n' "${0##*/}" >&2
    exit 64
}

[ $# -ge 4 ] || usage
config=$1 from=$2 to=$3 step=$4
shift 4
case $step in day | week | month) ;; *) usage ;; esac
# UTC, for there every date has all its hours and no change of clocks stands between two of them.
day() { date -u -d "$1" +%F; }
from=$(day "$from") && to=$(day "$to") || usage
# Dates as text are in the order of time.
if [[ ! $from < $to ]]; then
    printf 'no window begins at %s and ends at %s: FROM comes before TO, which is no part of it\n' "$from" "$to" >&2
    usage
fi

# A month after January 31 is no day.
if [[ $step = month && $((10#${from##*-})) -gt 28 && $(day "$from + 1 month") < $to ]]; then
    printf 'not every month has a day %s: begin at one up to 28\n' "${from##*-}" >&2
    usage
fi

touchline=${TOUCHLINE_BIN:-touchline}
attempts=${BACKFILL_ATTEMPTS:-3}
pause=${BACKFILL_PAUSE:-60}

# One window. Disks and locks (74, 75) deserve another try, a window without rows (99) is no failure;
# all else is the same the next time.
window() {
    local attempt code
    for ((attempt = 1; ; attempt++)); do
        code=0
        "$touchline" run --config "$config" --from "$1" --to "$2" --on-empty skip "${@:3}" || code=$?
        case $code in
        0 | 99) return 0 ;;
        74 | 75) [ "$attempt" -lt "$attempts" ] || return "$code" ;;
        *) return "$code" ;;
        esac
        sleep "$pause"
    done
}

while [[ $from < $to ]]; do
    next=$(day "$from + 1 $step")
    # The last window ends where it was asked to.
    if [[ $next > $to ]]; then next=$to; fi
    window "$from" "$next" "$@" || {
        code=$?
        printf '%s to %s failed with exit code %d; run the same line again to go on from there\n' \
            "$from" "$next" "$code" >&2
        exit "$code"
    }
    from=$next
done
