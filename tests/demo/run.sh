#!/bin/bash
# make run: the demo's servers in the foreground, until interrupted; the store stays in build/run.
. "$(dirname "$0")/common.sh"
PORT=${VMPROV_PORT:-18120}
dir=$TOP/build/run

mkdir -p "$dir"
rm -rf "${dir:?}"/raddb "${dir:?}"/log "${dir:?}"/run "${dir:?}"/lib
T_CLEANUP=()
trap 't_stop' EXIT
trap 'exit 0' INT TERM
t_stop() {
	policyd_stop
	radius_stop
	printf '\nstopped; the store stays: %s\n' "$dir/policy.db"
}

if [ -e "$dir/policy.db" ]; then
	servers_make "$dir" "$PORT" || exit 1
else
	sample_make "$dir" "$PORT" || exit 1
fi
radius_start "$dir" && policyd_start "$dir" && host_enrol hv1 || exit 1
cat <<EOF
FreeRADIUS with rlm_vmprov answers on 127.0.0.1:$PORT, secret $RADIUS_SECRET; policyd on $POLICYD_URL, its status on
$POLICYD_STATUS.  Interrupt to stop.  In another terminal:

  radtest 525400000101 525400000101 127.0.0.1:$PORT 0 $RADIUS_SECRET
  sqlite3 ${dir#"$PWD"/}/policy.db 'SELECT * FROM vm_record'
  sqlite3 ${dir#"$PWD"/}/policy.db "INSERT INTO vm_record (mac, name, cois) VALUES ('52:54:00:00:09:09', 'mine', NULL)"
  ${B#"$PWD"/}/bin/vmprov --store ${dir#"$PWD"/}/policy.db check 525400000101 --nas leaf1
  tail -f ${dir#"$PWD"/}/log/radius.log ${dir#"$PWD"/}/policyd.log
  curl $POLICYD_STATUS/metrics
  curl --cacert $CA --cert ${dir#"$PWD"/}/hv1.pem --key ${dir#"$PWD"/}/hv1.key -d '{"mac":"525400000909","template":"web"}' \
    $POLICYD_URL/v1/vms/\$(uuidgen)/starting
EOF
wait "$RADIUS_PID"
